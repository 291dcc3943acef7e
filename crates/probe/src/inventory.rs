//! What this machine is made of, read from the kernel and from the files of its distribution.

mod devices;
mod dmi;
mod mounts;
mod netlink;
mod network;
mod packages;
mod processor;
mod services;
mod system;

use std::{net::IpAddr, time::SystemTime};

use escadre_model::inventory::Inventory;
use escadre_model::{ByteCount, Timestamp};

use crate::files;

pub use mounts::data_mounts;
pub(crate) use mounts::is_mounted;
pub(crate) use services::runs_systemd;

/// Looks at everything. Blocks for as long as the package manager and the service manager take (a second or so, and
/// never longer than their time-outs).
pub fn collect() -> Inventory {
    let memory = meminfo(&files::text("/proc/meminfo"));
    let packages = packages::installed();
    Inventory {
        taken: Timestamp::try_from(SystemTime::now()).ok(),
        hostname: system::hostname(),
        os: system::os(&packages),
        cpu: processor::collect(),
        memory: memory.0,
        swap: memory.1,
        disks: devices::disks(),
        mounts: data_mounts(),
        networks: network::collect(),
        devices: devices::collect(),
        locale: system::locale(),
        time_zone: system::time_zone(),
        machine: dmi::collect(),
        packages,
        services: services::collect(),
    }
}

/// The addresses of this machine, loopback left out.
pub fn addresses() -> Vec<IpAddr> {
    let networks = network::collect().into_iter();
    networks
        .flat_map(|network| network.addresses)
        .map(|address| address.ip)
        .collect()
}

/// Memory and swap space in all.
fn meminfo(text: &str) -> (ByteCount, ByteCount) {
    let of = |key| ByteCount(crate::inventory::meminfo_value(text, key).unwrap_or(0));
    (of("MemTotal"), of("SwapTotal"))
}

/// A value of `/proc/meminfo` in bytes.
pub(crate) fn meminfo_value(text: &str, key: &str) -> Option<u64> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    let kib: u64 = value.trim().trim_end_matches("kB").trim().parse().ok()?;
    kib.checked_mul(1024)
}
