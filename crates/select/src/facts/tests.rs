//! A dozen machines of other shapes: what the rules see of them.

use escadre_model::{
    ByteCount,
    inventory::{Cpu, Disk, InstalledPackage, Machine as Maker, Network, Os},
    query::Field,
};
use std::net::IpAddr;

use super::*;
use crate::era::Era;

fn device(bus: &str, class: &str, description: &str, driver: &str) -> Device {
    Device {
        bus: bus.to_owned(),
        class: class.to_owned(),
        description: description.to_owned(),
        driver: driver.to_owned(),
        ..Device::default()
    }
}

fn host(
    arch: &str,
    megabytes: u64,
    model: &str,
    mhz: u32,
    chassis: &str,
    devices: Vec<Device>,
) -> Inventory {
    Inventory {
        os: Os {
            arch: arch.to_owned(),
            ..Os::default()
        },
        cpu: Cpu {
            model: model.to_owned(),
            threads: 2,
            mhz: Some(mhz),
            ..Cpu::default()
        },
        memory: ByteCount(megabytes * MEGABYTE),
        machine: Maker {
            chassis: chassis.to_owned(),
            ..Maker::default()
        },
        locale: "fr_FR.UTF-8".to_owned(),
        devices,
        ..Inventory::default()
    }
}

/// Flags (without those of language and edition), types, categories and kernel.
fn shown(inventory: &Inventory) -> String {
    let machine = machine(inventory);
    let (flags, _) = machine.always_flags(&setting(inventory, "powerpack"), Era::Y2010);
    let flags: Vec<&str> = flags
        .iter()
        .filter(|flag| !flag.contains('"') && *flag != "UTF8")
        .collect();
    let list =
        |set: &BTreeSet<String>| set.iter().map(String::as_str).collect::<Vec<_>>().join(",");
    format!(
        "{} | {} | {} | {}",
        flags.join(" "),
        list(&machine.types),
        list(&machine.categories),
        kernel_extension(inventory)
    )
}

#[test]
fn shapes() {
    let sound = || device("pci", "0x040300", "Intel Corporation|HDA", "snd_hda_intel");
    let card = |name: &str| device("pci", "0x030000", name, "");
    let mut dvd = host(
        "x86_64",
        2048,
        "Intel(R) Core(TM) i5",
        2400,
        "desktop",
        vec![],
    );
    dvd.disks = vec![Disk {
        name: "sr0".to_owned(),
        model: "ASUS DVD-RW".to_owned(),
        ..Disk::default()
    }];
    let mut wlan = host("amd64", 8192, "AMD Ryzen", 3000, "laptop", vec![]);
    wlan.networks = vec![Network {
        name: "wlp3s0".to_owned(),
        ..Network::default()
    }];
    let mut virtual_one = host("x86_64", 1024, "QEMU", 2000, "virtual", vec![]);
    virtual_one.machine.vendor = "QEMU".to_owned();
    let mut single = host("i586", 64, "Pentium", 133, "desktop", vec![]);
    single.cpu.threads = 1;
    single.cpu.flags = vec!["fpu".to_owned()];
    let cases = [
        (
            host(
                "x86_64",
                4096,
                "Intel(R) Core(TM)2 CPU",
                2000,
                "laptop",
                vec![sound()],
            ),
            "SMP SOUND | 64bit,laptop | multimedia/sound | -desktop",
        ),
        (
            host(
                "i686",
                1024,
                "Intel(R) Atom(TM) CPU N270",
                1600,
                "laptop",
                vec![],
            ),
            "LIGHT SMP | laptop |  | -desktop",
        ),
        (
            host("i686", 512, "VIA C7-M Processor", 1200, "laptop", vec![]),
            "LIGHT SMP | laptop |  | -desktop",
        ),
        (
            host("i686", 512, "VIA C7-M Processor", 1600, "laptop", vec![]),
            "SMP | laptop |  | -desktop",
        ),
        (single, "LIGHT |  |  | -desktop586"),
        (
            host("i686", 8192, "Xeon", 3000, "server", vec![]),
            "BIGMEM SMP |  |  | -server",
        ),
        (
            host("x86_64", 65_536, "EPYC", 2500, "server", vec![]),
            "SMP | 64bit |  | -server",
        ),
        (
            host("aarch64", 4096, "Cortex-A72", 1500, "", vec![]),
            "SMP | 64bit |  | -desktop",
        ),
        (
            host(
                "x86_64",
                4096,
                "x",
                3000,
                "desktop",
                vec![card("nVidia Corporation|GeForce 8400")],
            ),
            "3D SMP | 64bit |  | -desktop",
        ),
        (dvd, "BURNER DVD SMP | 64bit |  | -desktop"),
        (wlan, "SMP | 64bit,laptop,wireless |  | -desktop"),
        (virtual_one, "SMP | 64bit,qemu |  | -desktop"),
        (
            host(
                "x86_64",
                4096,
                "x",
                3000,
                "desktop",
                vec![
                    device("usb", "", "Logitech Webcam", "uvcvideo"),
                    device("usb", "e0", "Bluetooth radio", "btusb"),
                ],
            ),
            "SMP USB WEBCAM | 64bit | bus/bluetooth,multimedia/webcam | -desktop",
        ),
        (Inventory::default(), " |  |  | -desktop"),
    ];
    for (inventory, expected) in cases {
        assert_eq!(
            shown(&inventory),
            expected,
            "{} {}",
            inventory.os.arch,
            inventory.cpu.model
        );
    }
}

#[test]
fn language_of_the_host() {
    let french = setting(&host("x86_64", 1, "", 0, "", vec![]), "download");
    assert_eq!((french.language.as_str(), french.utf8), ("fr", true));
    let none = setting(
        &Inventory {
            locale: "C".to_owned(),
            ..Inventory::default()
        },
        "download",
    );
    assert_eq!((none.language.as_str(), none.utf8), ("", false));
}

struct Named(&'static str);

impl Subject for Named {
    fn texts(&self, field: Field) -> Vec<&str> {
        if field == Field::Name {
            vec![self.0]
        } else {
            Vec::new()
        }
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

#[test]
fn declared_facts() {
    let rules = FactRules::parse("[[fact]]\nset = \"KIOSK\"\nwhen = \"name:kiosk*\"\n")
        .expect("good rules");
    for (name, expected) in [("kiosk12", "KIOSK"), ("desk", "")] {
        let mut flags = Flags::default();
        rules.apply(&Named(name), &mut flags);
        assert_eq!(flags.joined(), expected);
    }
    assert!(FactRules::parse("[[fact]]\nset = \"X\"\nwhen = \"(((\"\n").is_err());
    assert!(FactRules::parse("[[fact]]\nsat = 1\n").is_err());
}
