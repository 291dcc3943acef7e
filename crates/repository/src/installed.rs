//! What is installed: dpkg's status file, rpm's database by the `rpm` command.

use std::{io::BufReader, path::Path, process::Stdio};

use escadre_catalog::{Op, Package, Property, debian::status};
use escadre_model::inventory::PackageKind;

use crate::{error::RepositoryError, open::blocking};

/// One line a fact; `rpm` repeats the bracketed ones for each entry of a list.
const QUERY: &str = "N\\t%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\t%{LONGSIZE}\\t%{GROUP}\\n\
                     [P\\t%{PROVIDENAME}\\t%{PROVIDEFLAGS:depflags}\\t%{PROVIDEVERSION}\\n]\
                     [R\\t%{REQUIRENAME}\\t%{REQUIREFLAGS:depflags}\\t%{REQUIREVERSION}\\n]\
                     [C\\t%{CONFLICTNAME}\\t%{CONFLICTFLAGS:depflags}\\t%{CONFLICTVERSION}\\n]\
                     [O\\t%{OBSOLETENAME}\\t%{OBSOLETEFLAGS:depflags}\\t%{OBSOLETEVERSION}\\n]";

/// The packages that dpkg has installed in the system whose root is `root`.
pub async fn installed_deb(root: &Path) -> Result<Vec<Package>, RepositoryError> {
    let path = root.join("var/lib/dpkg/status");
    blocking(move || {
        let file = std::fs::File::open(&path).map_err(RepositoryError::file("read", &path))?;
        Ok(status::read(
            &path.display().to_string(),
            BufReader::new(file),
        )?)
    })
    .await
}

/// The packages that rpm has installed in the system whose root is `root`.
pub async fn installed_rpm(root: &Path) -> Result<Vec<Package>, RepositoryError> {
    let root = root.to_owned();
    blocking(move || {
        let mut command = std::process::Command::new("rpm");
        command
            .arg("--root")
            .arg(&root)
            .args(["-qa", "--qf", QUERY])
            .stdin(Stdio::null());
        let error = |message: String| RepositoryError::Program {
            program: "rpm",
            message,
        };
        let said = command
            .output()
            .map_err(|failed| error(failed.to_string()))?;
        if !said.status.success() {
            return Err(error(
                String::from_utf8_lossy(&said.stderr).trim().to_owned(),
            ));
        }
        Ok(parse(&String::from_utf8_lossy(&said.stdout)))
    })
    .await
}

fn parse(text: &str) -> Vec<Package> {
    let mut packages: Vec<Package> = Vec::new();
    for line in text.lines() {
        let mut fields = line.split('\t');
        let kind = fields.next().unwrap_or_default();
        let mut field = || fields.next().unwrap_or_default();
        if kind == "N" {
            packages.push(Package {
                kind: PackageKind::Rpm,
                name: field().to_owned(),
                epoch: field().parse().unwrap_or(0),
                version: field().to_owned(),
                release: field().to_owned(),
                arch: field().to_owned(),
                size: field().parse().unwrap_or(0),
                group: field().to_owned(),
                ..Package::default()
            });
            continue;
        }
        let Some(package) = packages.last_mut() else {
            continue;
        };
        let list = match kind {
            "P" => &mut package.provides,
            "R" => &mut package.requires,
            "C" => &mut package.conflicts,
            "O" => &mut package.obsoletes,
            _ => continue,
        };
        let (name, sign, version) = (field(), field().trim(), field());
        match Op::parse(sign) {
            _ if name.starts_with("rpmlib(") => {}
            Some(op) if !version.is_empty() => list.push(Property::versioned(name, op, version)),
            _ => list.push(Property::any(name)),
        }
    }
    // Keys of signatures stand in the database as packages.
    packages.retain(|package| package.name != "gpg-pubkey");
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rpm_facts() {
        let text = "N\ta\t2\t1.0\t3\tx86_64\t100\tGroup\nP\ta\t = \t2:1.0-3\nR\t/bin/sh\t\t\nR\trpmlib(X)\t <= \t1\n\
                    C\tb\t < \t2\nN\tgpg-pubkey\t0\t1\t1\t(none)\t0\tx\n";
        let packages = parse(text);
        let [package] = packages.as_slice() else {
            panic!("one package")
        };
        assert_eq!((package.evr().as_str(), package.size), ("2:1.0-3", 100));
        assert_eq!(package.provides[0].to_string(), "a = 2:1.0-3");
        assert_eq!(package.requires, [Property::any("/bin/sh")]);
        assert_eq!(package.conflicts[0].to_string(), "b < 2");
    }
}
