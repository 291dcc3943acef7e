//! Installed packages: dpkg's status file read directly, rpm's database through `rpm`.

use std::path::Path;
use std::time::Duration;

use escadre_model::ByteCount;
use escadre_model::inventory::{InstalledPackage, PackageKind};

use crate::{files, program};

const RPM_FORMAT: &str = "%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{SIZE}\\n";

/// What is installed, by name.
pub(super) fn installed() -> Vec<InstalledPackage> {
    let mut packages = dpkg(&files::text("/var/lib/dpkg/status"));
    if has_rpm_database() {
        packages.extend(rpm(&ask_rpm(None)));
    }
    packages.sort();
    packages
}

/// What rpm lists, from its own database or from the one in a folder.
fn ask_rpm(database: Option<&str>) -> String {
    let mut argv = vec!["rpm"];
    argv.extend(database.into_iter().flat_map(|folder| ["--dbpath", folder]));
    argv.extend(["-qa", "--qf", RPM_FORMAT]);
    program::ask(&argv, Duration::from_secs(60)).unwrap_or_default()
}

/// On a Debian machine `rpm` may be installed as a tool, with no database or an empty one.
fn has_rpm_database() -> bool {
    let folders = ["/var/lib/rpm", "/usr/lib/sysimage/rpm"].map(Path::new);
    let files = ["rpmdb.sqlite", "Packages", "Packages.db"];
    folders
        .iter()
        .any(|folder| files.iter().any(|file| folder.join(file).exists()))
}

/// dpkg's status file: paragraphs; installed is what `Status` ends with `installed` for, whatever is wished.
fn dpkg(status: &str) -> Vec<InstalledPackage> {
    let mut packages = Vec::new();
    let mut package = InstalledPackage::default();
    let mut installed = false;
    for line in status.lines().chain([""]) {
        if line.is_empty() {
            let whole = std::mem::take(&mut package);
            if std::mem::take(&mut installed) && !whole.name.is_empty() {
                packages.push(whole);
            }
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        match key {
            "Package" => package.name = value.to_owned(),
            "Version" => package.version = value.to_owned(),
            "Architecture" => package.arch = value.to_owned(),
            "Installed-Size" => {
                package.size = ByteCount(value.parse::<u64>().unwrap_or(0).saturating_mul(1024))
            }
            "Status" => installed = value.split(' ').nth(2) == Some("installed"),
            _ => {}
        }
    }
    packages
}

/// Lines of [`RPM_FORMAT`]. Imported keys are no packages.
fn rpm(listed: &str) -> Vec<InstalledPackage> {
    listed
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t');
            let (name, epoch, version) = (fields.next()?, fields.next()?, fields.next()?);
            let (arch, size) = (fields.next()?, fields.next()?);
            let version = if epoch == "0" {
                version.to_owned()
            } else {
                format!("{epoch}:{version}")
            };
            (name != "gpg-pubkey").then(|| InstalledPackage {
                name: name.to_owned(),
                version,
                arch: arch.to_owned(),
                kind: PackageKind::Rpm,
                size: ByteCount(size.parse().unwrap_or(0)),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dpkg_states() {
        let status = "Package: a\nStatus: install ok installed\nInstalled-Size: 12\nArchitecture: amd64\nVersion: 1:2-3\n\
                      Description: x\n Version: not this\n\nPackage: b\nStatus: deinstall ok config-files\nVersion: 1\n\n\
                      Package: c\nStatus: hold ok installed\nVersion: 4\nArchitecture: all\n\nPackage: d\nStatus: install ok half-installed\n";
        let names: Vec<_> = dpkg(status)
            .into_iter()
            .map(|p| (p.name, p.version, p.arch, p.size.0))
            .collect();
        let expected = [("a", "1:2-3", "amd64", 12 * 1024), ("c", "4", "all", 0)];
        assert_eq!(
            names,
            expected.map(|(n, v, a, s)| (n.to_owned(), v.to_owned(), a.to_owned(), s))
        );
    }

    const SPEC: &str = "Name: hello\nEpoch: 3\nVersion: 1.2~rc1\nRelease: 4\nSummary: s\nLicense: Apache-2.0\nBuildArch: noarch\n\
                        %description\nd\n%install\nmkdir -p %{buildroot}/opt\nprintf 12345 > %{buildroot}/opt/hello\n\
                        %files\n/opt/hello\n";

    fn rpm_tool(program: &str, arguments: &[&str]) {
        let output = std::process::Command::new(program).args(arguments).output();
        let output = output
            .unwrap_or_else(|error| panic!("{program} is needed: apt-get install rpm ({error})"));
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    #[test]
    fn a_real_rpm_database() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (top, spec, database) = (
            format!("_topdir {}", path("top")),
            path("hello.spec"),
            path("database"),
        );
        std::fs::write(&spec, SPEC).expect("a file is written");
        rpm_tool("rpmbuild", &["-bb", "--quiet", "--define", &top, &spec]);
        rpm_tool("rpm", &["--dbpath", &database, "--initdb"]);
        let package = path("top/RPMS/noarch/hello-1.2~rc1-4.noarch.rpm");
        rpm_tool(
            "rpm",
            &[
                "--dbpath",
                &database,
                "-i",
                "--justdb",
                "--nodeps",
                "--ignoreos",
                "--ignorearch",
                &package,
            ],
        );
        let hello = InstalledPackage {
            name: "hello".to_owned(),
            version: "3:1.2~rc1-4".to_owned(),
            arch: "noarch".to_owned(),
            kind: PackageKind::Rpm,
            size: ByteCount(5),
        };
        assert_eq!(rpm(&ask_rpm(Some(&database))), [hello]);
    }

    #[test]
    fn rpm_epochs_and_keys() {
        let listed = "bash\t0\t5.1.8-9.el9\tx86_64\t7738634\ngpg-pubkey\t0\t8d8b756f-1\t(none)\t0\nbind\t32\t9.16-1\tnoarch\t5\nbroken\n";
        let versions: Vec<_> = rpm(listed)
            .into_iter()
            .map(|p| (p.name, p.version))
            .collect();
        assert_eq!(
            versions,
            [("bash", "5.1.8-9.el9"), ("bind", "32:9.16-1")]
                .map(|(n, v)| (n.to_owned(), v.to_owned()))
        );
    }
}
