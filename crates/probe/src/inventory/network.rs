//! Network interfaces, from `/sys/class/net`, with their addresses.

use std::path::Path;

use escadre_model::inventory::Network;

use super::netlink;
use crate::files;

/// `ARPHRD_LOOPBACK`.
const LOOPBACK: u64 = 772;

pub(super) fn collect() -> Vec<Network> {
    let addresses = netlink::addresses();
    let root = Path::new("/sys/class/net");
    files::names(root)
        .into_iter()
        .filter(|name| root.join(name).is_dir())
        .filter(|name| files::number(root.join(name).join("type")) != Some(LOOPBACK))
        .map(|name| {
            let folder = root.join(&name);
            let index = files::number(folder.join("ifindex"));
            let own = addresses
                .iter()
                .filter(|(of, _)| Some(u64::from(*of)) == index);
            Network {
                mac: files::line(folder.join("address")),
                addresses: own.map(|(_, address)| *address).collect(),
                // The kernel says -1 where there is no link, and older ones 65535.
                speed: files::number(folder.join("speed"))
                    .filter(|&speed| speed > 0 && speed != 65_535)
                    .and_then(|speed| u32::try_from(speed).ok()),
                driver: files::link_name(folder.join("device/driver")),
                name,
            }
        })
        .collect()
}
