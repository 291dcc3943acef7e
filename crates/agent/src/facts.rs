//! What this host answers when a manifest asks whom it is for.
//!
//! Tags, site and state are the server's words, which the publisher's condition must not rest on: they are unknown here, and
//! an unknown value satisfies nothing.

use std::net::IpAddr;

use escadre_model::{
    inventory::{InstalledPackage, Inventory},
    query::{Field, Subject},
};

/// A host that knows itself.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) name: &'a str,
    pub(crate) inventory: &'a Inventory,
}

impl Subject for Facts<'_> {
    fn texts(&self, field: Field) -> Vec<&str> {
        let i = self.inventory;
        let texts: Vec<&str> = match field {
            Field::Name => vec![self.name, &i.hostname],
            Field::Os => vec![&i.os.id, &i.os.version, &i.os.name],
            Field::Arch => vec![&i.os.arch],
            Field::Driver => i
                .devices
                .iter()
                .map(|d| &*d.driver)
                .chain(i.networks.iter().map(|n| &*n.driver))
                .collect(),
            Field::Device => i
                .devices
                .iter()
                .flat_map(|d| [&*d.description, &*d.class])
                .collect(),
            Field::Locale => vec![&i.locale],
            Field::Machine => vec![&i.machine.vendor, &i.machine.model],
            Field::Chassis => vec![&i.machine.chassis],
            Field::Service => i.services.iter().map(|s| &*s.name).collect(),
            Field::Tag
            | Field::Site
            | Field::State
            | Field::Ip
            | Field::Memory
            | Field::Cpus
            | Field::Free => Vec::new(),
        };
        texts.into_iter().filter(|text| !text.is_empty()).collect()
    }

    fn number(&self, field: Field) -> Option<u64> {
        let i = self.inventory;
        match field {
            Field::Memory => Some(i.memory.0),
            Field::Cpus => Some(u64::from(i.cpu.threads)),
            Field::Free => i
                .mounts
                .iter()
                .find(|mount| mount.path == "/")
                .map(|mount| mount.available.0),
            _ => None,
        }
    }

    fn addresses(&self) -> Vec<IpAddr> {
        self.inventory
            .networks
            .iter()
            .flat_map(|n| n.addresses.iter().map(|address| address.ip))
            .collect()
    }

    fn packages(&self, name: &dyn Fn(&str) -> bool) -> Vec<&InstalledPackage> {
        self.inventory
            .packages
            .iter()
            .filter(|package| name(&package.name))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use escadre_model::query::Query;

    #[test]
    fn this_machine_answers_queries() {
        let inventory = escadre_probe::inventory::collect();
        let facts = Facts {
            name: "alpha",
            inventory: &inventory,
        };
        for (text, expected) in [
            ("name:alpha".to_owned(), true),
            (format!("os:{}", inventory.os.id), true),
            (format!("arch:{}", inventory.os.arch), true),
            ("os:plan9".to_owned(), false),
            ("has:dpkg>=1".to_owned(), true),
            ("has:no-such-package".to_owned(), false),
            ("memory>1MiB".to_owned(), true),
            ("tag:front".to_owned(), false),
            ("not site:bordeaux".to_owned(), true),
        ] {
            let query = Query::parse(&text).expect("a query");
            assert_eq!(query.matches(&facts), expected, "{text}");
        }
    }
}
