//! From the inventory of a host to the machine that the rules see, by the rules of the field (the DrakX reference §4).
//!
//! Real values or nothing: what an inventory does not say sets no flag. Facts that the installer never knew are declared
//! in TOML ([`FactRules`]): a flag, and the query that sets it.

mod categories;

use std::collections::BTreeSet;

use escadre_model::{
    inventory::{Device, Inventory},
    query::{Query, Subject},
};
use serde::{Deserialize, Serialize};

use crate::{
    flags::Flags,
    locale,
    machine::{DeviceText, Machine, Setting},
};

const MEGABYTE: u64 = 1 << 20;

/// The machine of an inventory.
pub fn machine(inventory: &Inventory) -> Machine {
    let devices: Vec<DeviceText> = inventory.devices.iter().map(device_text).collect();
    let drive = |words: &[&str]| {
        inventory.disks.iter().any(|disk| {
            let model = disk.model.to_uppercase();
            disk.name.starts_with("sr") && words.iter().any(|word| model.contains(word))
        })
    };
    Machine {
        types: types(inventory),
        categories: categories::of(inventory),
        dvd: drive(&["DVD", "BD-"]),
        burner: drive(&["RW", "-R", "WRITER", "BURNER"]),
        usb: inventory.devices.iter().any(|device| {
            device.bus == "usb"
                || device.driver.ends_with("hci_hcd")
                || device.driver.ends_with("hci-pci")
        }),
        pcmcia: inventory.devices.iter().any(|device| {
            device.bus == "pcmcia"
                || device.driver.contains("pcmcia")
                || device.driver == "yenta_cardbus"
        }),
        smp: inventory.cpu.threads > 1,
        bigmem: !is_64bit(&inventory.os.arch) && inventory.memory.0 > 4096 * MEGABYTE,
        low_resources: is_low(inventory),
        netbook: is_netbook(inventory),
        devices,
        match_all_hardware: false,
    }
}

/// Language and what else an inventory says about flags; the edition is for the caller to choose.
pub fn setting(inventory: &Inventory, meta_class: &str) -> Setting {
    let lower = inventory.locale.to_lowercase();
    Setting {
        meta_class: meta_class.to_owned(),
        language: locale::code_of_locale(&inventory.locale)
            .unwrap_or_default()
            .to_owned(),
        utf8: lower.ends_with(".utf-8")
            || lower.ends_with(".utf8")
            || lower.contains(".utf-8@")
            || lower.contains(".utf8@"),
        ..Setting::default()
    }
}

/// Ending of the kernel that fits the machine (the DrakX reference §5.1.3).
pub fn kernel_extension(inventory: &Inventory) -> &'static str {
    let small = !is_64bit(&inventory.os.arch);
    let large = inventory.memory.0 as f64 > 3.8 * 1024.0 * MEGABYTE as f64;
    let knows_cmov =
        inventory.cpu.flags.is_empty() || inventory.cpu.flags.iter().any(|flag| flag == "cmov");
    match (small, knows_cmov) {
        (true, false) => "-desktop586",
        (true, true) if large => "-server",
        _ if inventory.machine.chassis == "server" => "-server",
        _ => "-desktop",
    }
}

fn device_text(device: &Device) -> DeviceText {
    let description = if device.description.is_empty() {
        &device.class
    } else {
        &device.description
    };
    DeviceText {
        driver: device.driver.clone(),
        description: description.clone(),
    }
}

fn is_64bit(arch: &str) -> bool {
    arch.contains("64") || arch == "s390x"
}

fn is_x86_32(arch: &str) -> bool {
    matches!(arch, "i386" | "i486" | "i586" | "i686" | "athlon")
}

fn is_low(inventory: &Inventory) -> bool {
    let little = inventory.memory.0 > 0 && inventory.memory.0 < 100 * MEGABYTE;
    let slow = is_x86_32(&inventory.os.arch) && inventory.cpu.mhz.is_some_and(|mhz| mhz < 350);
    little || slow
}

fn is_netbook(inventory: &Inventory) -> bool {
    let model = &inventory.cpu.model;
    let small = ["Celeron(R) M", "Celeron M", "VIA C7-M", "Geode"]
        .iter()
        .any(|name| model.contains(name));
    model.contains("Intel(R) Atom(TM)")
        || (small && inventory.cpu.mhz.is_some_and(|mhz| mhz < 1500))
}

fn types(inventory: &Inventory) -> BTreeSet<String> {
    let described = |words: &[&str]| {
        inventory.devices.iter().any(|device| {
            let text =
                format!("{} {} {}", device.description, device.class, device.driver).to_lowercase();
            words.iter().any(|word| text.contains(word))
        })
    };
    let maker = format!("{} {}", inventory.machine.vendor, inventory.machine.model).to_lowercase();
    let wireless = inventory
        .networks
        .iter()
        .any(|network| network.name.starts_with("wl"))
        || described(&["wireless", "wi-fi", "wifi", "802.11", "0x0280"]);
    let found = [
        (
            "laptop",
            matches!(
                inventory.machine.chassis.as_str(),
                "laptop" | "notebook" | "portable"
            ),
        ),
        ("64bit", is_64bit(&inventory.os.arch)),
        ("wireless", wireless),
        (
            "touchpad",
            described(&["touchpad", "synaptics", "alps ps/2"]),
        ),
        ("qemu", maker.contains("qemu") || maker.contains("kvm")),
        (
            "hyperv",
            maker.contains("microsoft") && maker.contains("virtual"),
        ),
        (
            "virtualbox",
            maker.contains("virtualbox") || maker.contains("innotek"),
        ),
        ("vmware", maker.contains("vmware")),
    ];
    found
        .into_iter()
        .filter(|(_, is)| *is)
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// A flag that a fact sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactRule {
    /// The flag; with a prefix such as `Pkg:` it is a note of a device.
    pub set: String,
    /// Hosts that have it.
    pub when: Query,
}

/// Rules for facts, as declared in TOML: `[[fact]] set = "BIG_SCREEN" when = "device~4k"`.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FactRules {
    /// Rules in order.
    pub fact: Vec<FactRule>,
}

/// Fact rules that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the fact rules cannot be read: {0}")]
pub struct FactRulesError(#[from] toml::de::Error);

impl FactRules {
    /// Reads rules.
    pub fn parse(text: &str) -> Result<Self, FactRulesError> {
        Ok(toml::from_str(text)?)
    }

    /// Sets the flags of the rules that hold for a host.
    pub fn apply(&self, host: &dyn Subject, flags: &mut Flags) {
        flags.extend(
            self.fact
                .iter()
                .filter(|rule| rule.when.matches(host))
                .map(|rule| rule.set.as_str()),
        );
    }
}

#[cfg(test)]
mod tests;
