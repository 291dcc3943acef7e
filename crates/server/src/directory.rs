//! Every host with its inventory in memory: what queries, lists and the agent port ask all the time.
//!
//! The store is the truth; whoever changes a host's row there puts the new row here afterwards. Packages are left in
//! the store (they are the bulk of it), and are fetched for queries that ask for them.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
};

use escadre_model::{
    HostId,
    inventory::{InstalledPackage, Inventory},
    query::{Field, Subject},
};
use escadre_store::tables::host::Host;
use escadre_watch::Standing;

/// A host as it is known.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Its row.
    pub(crate) row: Arc<Host>,
    /// Its inventory without packages.
    pub(crate) inventory: Arc<Inventory>,
}

#[derive(Debug, Default)]
struct Index {
    by_id: BTreeMap<HostId, Known>,
    by_name: BTreeMap<String, HostId>,
}

/// All hosts.
#[derive(Debug, Default)]
pub(crate) struct Directory(RwLock<Index>);

impl Directory {
    /// Adds or replaces a host.
    pub(crate) fn put(&self, known: Known) {
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = index
            .by_id
            .get(&known.row.id)
            .map(|old| old.row.name.clone())
        {
            index.by_name.remove(&old);
        }
        index.by_name.insert(known.row.name.clone(), known.row.id);
        index.by_id.insert(known.row.id, known);
    }

    /// Changes the row of a host that is there.
    pub(crate) fn change(&self, id: HostId, change: impl FnOnce(&mut Host)) {
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = index.by_id.get_mut(&id) {
            change(Arc::make_mut(&mut known.row));
        }
    }

    /// Replaces the inventory of a host that is there.
    pub(crate) fn set_inventory(&self, id: HostId, inventory: Inventory) {
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = index.by_id.get_mut(&id) {
            known.inventory = Arc::new(inventory);
        }
    }

    /// Takes a host out.
    pub(crate) fn remove(&self, id: HostId) {
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = index.by_id.remove(&id) {
            index.by_name.remove(&known.row.name);
        }
    }

    /// One by id.
    pub(crate) fn by_id(&self, id: HostId) -> Option<Known> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .by_id
            .get(&id)
            .cloned()
    }

    /// One by name.
    pub(crate) fn by_name(&self, name: &str) -> Option<Known> {
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        index
            .by_name
            .get(name)
            .and_then(|id| index.by_id.get(id))
            .cloned()
    }

    /// The name of a host, or its id when it is gone.
    pub(crate) fn name(&self, id: HostId) -> String {
        self.by_id(id)
            .map_or_else(|| id.to_string(), |known| known.row.name.clone())
    }

    /// Every host, by name.
    pub(crate) fn all(&self) -> Vec<Known> {
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        index
            .by_name
            .values()
            .filter_map(|id| index.by_id.get(id))
            .cloned()
            .collect()
    }
}

/// What a query sees of a host.
pub(crate) struct Asked<'a> {
    /// The host.
    pub(crate) known: &'a Known,
    /// Where it stands.
    pub(crate) standing: Standing,
    /// Its packages, where the query asks for any.
    pub(crate) packages: &'a [InstalledPackage],
}

impl Subject for Asked<'_> {
    fn texts(&self, field: Field) -> Vec<&str> {
        let (row, inventory) = (&self.known.row, &self.known.inventory);
        match field {
            Field::Name => vec![&row.name],
            Field::Tag => row.tags.iter().map(String::as_str).collect(),
            Field::Site => some(&row.site),
            Field::Os => [&inventory.os.id, &inventory.os.version, &inventory.os.name]
                .into_iter()
                .flat_map(|text| some(text))
                .collect(),
            Field::Arch => some(&inventory.os.arch),
            Field::State => vec![self.standing.word()],
            Field::Driver => {
                let network = inventory.networks.iter().map(|one| one.driver.as_str());
                let devices = inventory.devices.iter().map(|one| one.driver.as_str());
                devices
                    .chain(network)
                    .filter(|text| !text.is_empty())
                    .collect()
            }
            Field::Device => {
                let texts = |one| -> [&str; 2] {
                    let one: &escadre_model::inventory::Device = one;
                    [&one.description, &one.class]
                };
                inventory
                    .devices
                    .iter()
                    .flat_map(texts)
                    .filter(|text| !text.is_empty())
                    .collect()
            }
            Field::Locale => some(&inventory.locale),
            Field::Machine => [&inventory.machine.vendor, &inventory.machine.model]
                .into_iter()
                .flat_map(|text| some(text))
                .collect(),
            Field::Chassis => some(&inventory.machine.chassis),
            Field::Service => inventory
                .services
                .iter()
                .map(|one| one.name.as_str())
                .collect(),
            Field::Ip | Field::Memory | Field::Cpus | Field::Free => Vec::new(),
        }
    }

    fn number(&self, field: Field) -> Option<u64> {
        let inventory = &self.known.inventory;
        match field {
            Field::Memory => Some(inventory.memory.0).filter(|bytes| *bytes > 0),
            Field::Cpus => Some(u64::from(inventory.cpu.threads)).filter(|threads| *threads > 0),
            Field::Free => inventory
                .mounts
                .iter()
                .find(|mount| mount.path == "/")
                .map(|mount| mount.available.0),
            _ => None,
        }
    }

    fn addresses(&self) -> Vec<IpAddr> {
        let networks = self.known.inventory.networks.iter();
        networks
            .flat_map(|network| network.addresses.iter().map(|address| address.ip))
            .collect()
    }

    fn packages(&self, name: &dyn Fn(&str) -> bool) -> Vec<&InstalledPackage> {
        self.packages
            .iter()
            .filter(|package| name(&package.name))
            .collect()
    }
}

fn some(text: &str) -> Vec<&str> {
    if text.is_empty() {
        Vec::new()
    } else {
        vec![text]
    }
}

/// A site for an address, by lines of `SUBNET = SITE`; the longest prefix that holds it.
pub(crate) fn site_of(lines: &str, address: IpAddr) -> Option<String> {
    let address = address.to_canonical();
    let held = lines
        .lines()
        .filter_map(subnet)
        .filter(|(net, length, _)| holds(*net, *length, address));
    held.max_by_key(|(_, length, _)| *length)
        .map(|(_, _, site)| site.to_owned())
}

/// The first line that is no `SUBNET = SITE`, with its number.
pub(crate) fn wrong_site_line(lines: &str) -> Option<(usize, &str)> {
    let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    (1..)
        .zip(lines.lines())
        .find(|(_, line)| !is_blank(line) && subnet(line).is_none())
}

fn subnet(line: &str) -> Option<(IpAddr, u8, &str)> {
    let (net, site) = line.split_once('=')?;
    let (address, length) = net.trim().split_once('/')?;
    let (address, length, site) = (
        address.parse::<IpAddr>().ok()?,
        length.parse::<u8>().ok()?,
        site.trim(),
    );
    let longest = if address.is_ipv4() { 32 } else { 128 };
    (length <= longest && !site.is_empty()).then_some((address, length, site))
}

fn holds(net: IpAddr, length: u8, address: IpAddr) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(four) => (u128::from(u32::from(four)) << 96, true),
        IpAddr::V6(six) => (u128::from(six), false),
    };
    let ((net, net_is_four), (address, address_is_four)) = (bits(net), bits(address));
    let mask = if length == 0 {
        0
    } else {
        u128::MAX << (128 - u32::from(length))
    };
    net_is_four == address_is_four && net & mask == address & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_gives_the_site() {
        let lines = "10.0.0.0/8 = france\n# a comment\n10.1.0.0/16 = bordeaux\nfd00::/8 = six\n0.0.0.0/0 = elsewhere";
        let cases = [
            ("10.1.2.3", Some("bordeaux")),
            ("10.2.0.1", Some("france")),
            ("fd00::1", Some("six")),
            ("::ffff:10.1.0.1", Some("bordeaux")),
            ("192.0.2.1", Some("elsewhere")),
            ("2001:db8::1", None),
        ];
        for (address, expected) in cases {
            let address = address.parse().expect("an address");
            assert_eq!(site_of(lines, address).as_deref(), expected, "{address}");
        }
        assert_eq!(wrong_site_line(lines), None);
        for wrong in [
            "10.0.0.0 = x",
            "10.0.0.0/33 = x",
            "x/8 = y",
            "10.0.0.0/8 =",
            "nonsense",
        ] {
            assert!(wrong_site_line(wrong).is_some(), "{wrong}");
        }
    }
}
