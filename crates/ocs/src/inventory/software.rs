//! SOFTWARES: packages of dpkg and rpm, and programs of everything else.

use escadre_model::{
    ByteCount,
    inventory::{InstalledPackage, Os, PackageKind},
};

use super::{Program, system, values};
use crate::{message::Row, problems::Problems};

/// A row of SOFTWARES, in little: there are thousands.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Software {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) arch: String,
    pub(super) publisher: String,
    /// FROM, in lower case.
    pub(super) from: String,
    pub(super) size: ByteCount,
}

impl Software {
    pub(super) fn read(row: &Row, problems: &mut Problems) -> Self {
        let field = |name: &str| row.get(name).to_owned();
        Self {
            name: field("NAME"),
            version: field("VERSION"),
            arch: field("ARCHITECTURE"),
            publisher: field("PUBLISHER"),
            from: row.get("FROM").to_lowercase(),
            size: values::bytes(row, "FILESIZE", problems),
        }
    }

    /// Agents before 2.0 do not say FROM: there the system tells.
    fn kind(&self, os: &Os) -> Option<PackageKind> {
        match self.from.as_str() {
            "deb" => Some(PackageKind::Deb),
            "rpm" => Some(PackageKind::Rpm),
            "" if system::is_debian_kin(os) => Some(PackageKind::Deb),
            "" if system::is_rpm_kin(os) => Some(PackageKind::Rpm),
            _ => None,
        }
    }

    /// dpkg's agents write `libc6:amd64` where an architecture may be there beside another.
    fn package(&self, kind: PackageKind) -> InstalledPackage {
        let (name, suffix) = match self.name.split_once(':') {
            Some((name, arch)) if kind == PackageKind::Deb => (name, arch),
            _ => (self.name.as_str(), ""),
        };
        let arch = if self.arch.is_empty() {
            suffix
        } else {
            &self.arch
        };
        InstalledPackage {
            name: name.to_owned(),
            version: self.version.clone(),
            arch: arch.to_owned(),
            kind,
            size: self.size,
        }
    }
}

/// Packages and programs, each sorted; what has no name is nothing.
pub(super) fn split(software: &[Software], os: &Os) -> (Vec<InstalledPackage>, Vec<Program>) {
    let (mut packages, mut programs) = (Vec::new(), Vec::new());
    for one in software.iter().filter(|one| !one.name.is_empty()) {
        match one.kind(os) {
            Some(kind) => packages.push(one.package(kind)),
            None => programs.push(Program {
                name: one.name.clone(),
                version: one.version.clone(),
                publisher: one.publisher.clone(),
                source: one.from.clone(),
            }),
        }
    }
    packages.sort_unstable();
    packages.dedup();
    programs.sort_unstable();
    programs.dedup();
    (packages, programs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::sample::row;

    fn check(os: &str, fields: &[(&str, &str)], expected: &str) {
        let os = Os {
            id: os.to_owned(),
            ..Os::default()
        };
        let software = Software::read(&row("SOFTWARES", fields), &mut Problems::default());
        let (packages, programs) = split(&[software.clone(), software], &os);
        let packages = packages.iter().map(|one| {
            format!(
                "{:?} {} {} {} {}",
                one.kind, one.name, one.version, one.arch, one.size.0
            )
        });
        let programs = programs
            .iter()
            .map(|one| format!("{} {} [{}]", one.name, one.version, one.source));
        assert_eq!(
            packages.chain(programs).collect::<Vec<_>>().join(";"),
            expected
        );
    }

    #[test]
    fn cases() {
        let deb = [
            ("NAME", "libc6:amd64"),
            ("VERSION", "2.36-9"),
            ("ARCHITECTURE", "amd64"),
            ("FROM", "deb"),
            ("FILESIZE", "1024"),
        ];
        check("", &deb, "Deb libc6 2.36-9 amd64 1024");
        check(
            "ubuntu",
            &[("NAME", "libc6:i386"), ("VERSION", "1")],
            "Deb libc6 1 i386 0",
        );
        check(
            "mandriva",
            &[("NAME", "perl-CGI"), ("VERSION", "3.4-1mdv")],
            "Rpm perl-CGI 3.4-1mdv  0",
        );
        check(
            "debian",
            &[("NAME", "core"), ("VERSION", "16"), ("FROM", "snap")],
            "core 16 [snap]",
        );
        check(
            "windows",
            &[("NAME", "7-Zip"), ("VERSION", "21.1"), ("FILESIZE", "0")],
            "7-Zip 21.1 []",
        );
        check("debian", &[("VERSION", "1")], "");
    }
}
