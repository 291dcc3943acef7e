//! Name, operating system, locale, time zone.

use escadre_model::inventory::{InstalledPackage, Os, PackageKind};

use crate::files::{self, assigned};

/// Name of the host without its domain.
pub(super) fn hostname() -> String {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}

pub(super) fn os(packages: &[InstalledPackage]) -> Os {
    let release = ["/etc/os-release", "/usr/lib/os-release"]
        .iter()
        .map(files::text)
        .find(|text| !text.is_empty())
        .unwrap_or_default();
    let value = |key| assigned(&release, key).unwrap_or_default().to_owned();
    let uname = rustix::system::uname();
    Os {
        id: value("ID"),
        version: value("VERSION_ID"),
        name: value("PRETTY_NAME"),
        kernel: uname.release().to_string_lossy().into_owned(),
        arch: arch(&uname.machine().to_string_lossy(), packages),
    }
}

/// The architecture as the package manager names it: dpkg's own is the system's, whatever the kernel can run beside.
fn arch(machine: &str, packages: &[InstalledPackage]) -> String {
    let dpkg = packages
        .iter()
        .find(|package| package.kind == PackageKind::Deb && package.name == "dpkg");
    dpkg.map_or_else(|| machine.to_owned(), |package| package.arch.clone())
}

/// The system's locale; the environment's only if no file says one.
pub(super) fn locale() -> String {
    [
        "/etc/locale.conf",
        "/etc/default/locale",
        "/etc/sysconfig/i18n",
    ]
    .iter()
    .find_map(|path| {
        assigned(&files::text(path), "LANG")
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
    })
    .or_else(|| std::env::var("LANG").ok())
    .unwrap_or_default()
}

/// The time zone's name, from where `/etc/localtime` points to, or `/etc/timezone`.
pub(super) fn time_zone() -> String {
    let target = std::fs::read_link("/etc/localtime").unwrap_or_default();
    match target.to_string_lossy().split_once("zoneinfo/") {
        Some((_, zone)) => zone.to_owned(),
        None => files::line("/etc/timezone"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_manager_names_the_architecture() {
        let dpkg = InstalledPackage {
            name: "dpkg".to_owned(),
            arch: "i386".to_owned(),
            ..InstalledPackage::default()
        };
        assert_eq!(arch("x86_64", &[dpkg]), "i386");
        assert_eq!(arch("x86_64", &[]), "x86_64");
    }
}
