//! What a query sees of a host, from the documents of the API.

use std::net::IpAddr;

use escadre_api::host::HostDetail;
use escadre_model::{
    inventory::InstalledPackage,
    query::{Field, Subject},
};

/// A host with its packages.
pub(super) struct Asked<'a> {
    pub(super) host: &'a HostDetail,
    pub(super) packages: &'a [InstalledPackage],
}

impl Subject for Asked<'_> {
    fn texts(&self, field: Field) -> Vec<&str> {
        let (summary, inventory) = (&self.host.summary, &self.host.inventory);
        let texts: Vec<&str> = match field {
            Field::Name => vec![&summary.name],
            Field::Tag => summary.tags.iter().map(String::as_str).collect(),
            Field::Site => vec![&summary.site],
            Field::Os => vec![&inventory.os.id, &inventory.os.version, &inventory.os.name],
            Field::Arch => vec![&inventory.os.arch],
            Field::State if summary.stale => vec!["stale"],
            Field::State => vec![summary.state.word()],
            Field::Driver => {
                let network = inventory.networks.iter().map(|one| one.driver.as_str());
                let devices = inventory.devices.iter().map(|one| one.driver.as_str());
                devices.chain(network).collect()
            }
            Field::Device => inventory
                .devices
                .iter()
                .flat_map(|one| [one.description.as_str(), one.class.as_str()])
                .collect(),
            Field::Locale => vec![&inventory.locale],
            Field::Machine => vec![&inventory.machine.vendor, &inventory.machine.model],
            Field::Chassis => vec![&inventory.machine.chassis],
            Field::Service => {
                let services = inventory.services.iter();
                services.map(|one| one.name.as_str()).collect()
            }
            Field::Ip | Field::Memory | Field::Cpus | Field::Free => Vec::new(),
        };
        texts.into_iter().filter(|text| !text.is_empty()).collect()
    }

    fn number(&self, field: Field) -> Option<u64> {
        let inventory = &self.host.inventory;
        match field {
            Field::Memory => Some(inventory.memory.0).filter(|bytes| *bytes > 0),
            Field::Cpus => Some(u64::from(inventory.cpu.threads)).filter(|threads| *threads > 0),
            Field::Free => free(self.host),
            _ => None,
        }
    }

    fn addresses(&self) -> Vec<IpAddr> {
        let networks = self.host.inventory.networks.iter();
        networks
            .flat_map(|network| network.addresses.iter().map(|address| address.ip))
            .collect()
    }

    fn packages(&self, name: &dyn Fn(&str) -> bool) -> Vec<&InstalledPackage> {
        let named = |package: &&InstalledPackage| name(&package.name);
        self.packages.iter().filter(named).collect()
    }
}

/// Free bytes of the root file system.
pub(super) fn free(host: &HostDetail) -> Option<u64> {
    let mut mounts = host.inventory.mounts.iter();
    mounts
        .find(|mount| mount.path == "/")
        .map(|mount| mount.available.0)
}

/// A machine that does not exist yet: no query holds for it but those that ask for nothing.
pub(super) struct Unborn;

impl Subject for Unborn {
    fn texts(&self, _: Field) -> Vec<&str> {
        Vec::new()
    }
    fn number(&self, _: Field) -> Option<u64> {
        None
    }
    fn addresses(&self) -> Vec<IpAddr> {
        Vec::new()
    }
    fn packages(&self, _: &dyn Fn(&str) -> bool) -> Vec<&InstalledPackage> {
        Vec::new()
    }
}
