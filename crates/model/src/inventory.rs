//! What a host is made of, as its agent (or an OCS agent) says. Real values or nothing: an unknown is `None` or empty.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{ByteCount, Timestamp};

/// Everything known of a host at one time.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inventory {
    /// When it was taken, by the host's clock.
    pub taken: Option<Timestamp>,
    /// Name of the host without domain.
    pub hostname: String,
    /// Operating system.
    pub os: Os,
    /// Processor.
    pub cpu: Cpu,
    /// Physical memory.
    pub memory: ByteCount,
    /// Swap space.
    pub swap: ByteCount,
    /// Block devices.
    pub disks: Vec<Disk>,
    /// Mounted file systems that hold data (no pseudo file systems).
    pub mounts: Vec<Mount>,
    /// Network interfaces, loopback left out.
    pub networks: Vec<Network>,
    /// PCI, USB and platform devices.
    pub devices: Vec<Device>,
    /// Locale of the system, as in `LANG` (`fr_FR.UTF-8`).
    pub locale: String,
    /// Time zone name (`Europe/Paris`).
    pub time_zone: String,
    /// Machine from DMI: maker, model, serial number.
    pub machine: Machine,
    /// Packages that are installed.
    pub packages: Vec<InstalledPackage>,
    /// Services known to the service manager.
    pub services: Vec<Service>,
}

/// Operating system.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Os {
    /// Identifier as in os-release `ID` (`debian`).
    pub id: String,
    /// `VERSION_ID` (`12`).
    pub version: String,
    /// `PRETTY_NAME`.
    pub name: String,
    /// Kernel release (`uname -r`).
    pub kernel: String,
    /// Architecture as the package manager names it (`amd64` on Debian, `x86_64` on rpm systems).
    pub arch: String,
}

/// Processor.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cpu {
    /// Model name.
    pub model: String,
    /// Sockets.
    pub sockets: u32,
    /// Physical cores.
    pub cores: u32,
    /// Hardware threads.
    pub threads: u32,
    /// Clock in MHz, when known.
    pub mhz: Option<u32>,
    /// Feature flags (`cmov`, `avx2`, …).
    pub flags: Vec<String>,
}

/// Block device.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Disk {
    /// Kernel name (`sda`, `nvme0n1`).
    pub name: String,
    /// Model, when known.
    pub model: String,
    /// Size.
    pub size: ByteCount,
    /// Spins.
    pub rotational: bool,
}

/// Mounted file system.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mount {
    /// Mount point.
    pub path: String,
    /// Device or source.
    pub source: String,
    /// Kind (`ext4`).
    pub kind: String,
    /// Size.
    pub size: ByteCount,
    /// Free for an ordinary user.
    pub available: ByteCount,
    /// Inodes in all; 0 where the file system counts none.
    pub inodes: u64,
    /// Inodes free.
    pub inodes_free: u64,
}

/// Network interface.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    /// Name (`eth0`).
    pub name: String,
    /// Hardware address, lower case with colons.
    pub mac: String,
    /// Addresses with prefix length.
    pub addresses: Vec<InterfaceAddress>,
    /// Link speed in Mb/s, when known.
    pub speed: Option<u32>,
    /// Driver, when known.
    pub driver: String,
}

/// An address and its subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceAddress {
    /// Address.
    pub ip: IpAddr,
    /// Prefix length of the subnet.
    pub prefix: u8,
}

/// A device with its driver.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Device {
    /// `pci`, `usb`, `virtio`, ….
    pub bus: String,
    /// Address on the bus.
    pub address: String,
    /// `vendor:device` in hexadecimal, where the bus has such.
    pub id: String,
    /// Class: the code of the bus, and after a blank its words where they are known (`0200 Ethernet controller`).
    pub class: String,
    /// Description, when known.
    pub description: String,
    /// Kernel driver that is bound, if any.
    pub driver: String,
}

/// Maker and model.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// Maker.
    pub vendor: String,
    /// Model.
    pub model: String,
    /// Serial number.
    pub serial: String,
    /// Kind of case: `laptop`, `desktop`, `server`, `virtual`, or empty.
    pub chassis: String,
}

/// How versions of a package are written and compared.
#[derive(
    Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum PackageKind {
    /// dpkg.
    #[default]
    Deb,
    /// rpm.
    Rpm,
}

/// An installed package.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct InstalledPackage {
    /// Name.
    pub name: String,
    /// Full version: `[epoch:]version[-release]`.
    pub version: String,
    /// Architecture.
    pub arch: String,
    /// dpkg or rpm.
    pub kind: PackageKind,
    /// Installed size.
    pub size: ByteCount,
}

/// A service of the service manager.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Service {
    /// Name (`ssh.service`).
    pub name: String,
    /// `running`, `stopped`, `failed`, or empty when unknown.
    pub state: String,
    /// Started at boot.
    pub enabled: Option<bool>,
}
