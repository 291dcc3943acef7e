//! Devices of the PCI, USB and virtio buses with their drivers, and block devices.

mod names;

use std::path::{Path, PathBuf};

use escadre_model::ByteCount;
use escadre_model::inventory::{Device, Disk};

use crate::files;
use names::Names;

/// Bytes of a sector in `/sys/block/*/size`, whatever the disk's own are.
const SECTOR: u64 = 512;

/// Disks with hardware behind them, be it virtual; not loop, ram or mapped ones.
pub(super) fn disks() -> Vec<Disk> {
    let root = Path::new("/sys/block");
    files::names(root)
        .into_iter()
        .filter(|name| root.join(name).join("device").exists())
        .map(|name| {
            let folder = root.join(&name);
            Disk {
                model: files::line(folder.join("device/model")),
                size: ByteCount(
                    files::number(folder.join("size"))
                        .unwrap_or(0)
                        .saturating_mul(SECTOR),
                ),
                rotational: files::number(folder.join("queue/rotational")) == Some(1),
                name,
            }
        })
        .filter(|disk| disk.size > ByteCount(0))
        .collect()
}

/// Everything on the three buses, in the order of bus and address.
pub(super) fn collect() -> Vec<Device> {
    collect_under(Path::new("/"))
}

fn collect_under(root: &Path) -> Vec<Device> {
    let pci = on_bus(root, "pci")
        .map(|(address, folder)| pci(address, &folder))
        .collect();
    let usb = on_bus(root, "usb")
        .filter(|(address, _)| !address.contains(':'))
        .map(|(a, folder)| usb(a, &folder))
        .collect();
    let virtio = on_bus(root, "virtio")
        .map(|(address, folder)| virtio(address, &folder))
        .collect();
    let mut devices: Vec<Device> = [pci, usb, virtio]
        .into_iter()
        .flat_map(|bus: Vec<Device>| bus)
        .collect();
    describe(root, &mut devices);
    devices
}

fn on_bus(root: &Path, bus: &str) -> impl Iterator<Item = (String, PathBuf)> {
    let folder = root.join("sys/bus").join(bus).join("devices");
    files::names(&folder).into_iter().map(move |name| {
        let device = folder.join(&name);
        (name, device)
    })
}

fn hexadecimal(path: PathBuf) -> String {
    files::line(path).trim_start_matches("0x").to_owned()
}

fn pci(address: String, folder: &Path) -> Device {
    Device {
        bus: "pci".to_owned(),
        address,
        id: format!(
            "{}:{}",
            hexadecimal(folder.join("vendor")),
            hexadecimal(folder.join("device"))
        ),
        class: hexadecimal(folder.join("class")),
        description: String::new(),
        driver: files::link_name(folder.join("driver")),
    }
}

/// A USB device says its own name; what drives it hangs on its interfaces, which lie in its folder.
fn usb(address: String, folder: &Path) -> Device {
    let words = [
        files::line(folder.join("manufacturer")),
        files::line(folder.join("product")),
    ];
    let description = words.join(" ").trim().to_owned();
    let interfaces = files::names(folder)
        .into_iter()
        .filter(|name| name.contains(':'));
    let driver = interfaces
        .map(|name| files::link_name(folder.join(name).join("driver")))
        .find(|d| !d.is_empty());
    Device {
        bus: "usb".to_owned(),
        address,
        id: format!(
            "{}:{}",
            files::line(folder.join("idVendor")),
            files::line(folder.join("idProduct"))
        ),
        class: files::line(folder.join("bDeviceClass")),
        description,
        driver: driver.unwrap_or_else(|| files::link_name(folder.join("driver"))),
    }
}

fn virtio(address: String, folder: &Path) -> Device {
    let device = hexadecimal(folder.join("device"));
    let number = u32::from_str_radix(&device, 16).unwrap_or(0);
    Device {
        bus: "virtio".to_owned(),
        address,
        id: format!("{}:{device}", hexadecimal(folder.join("vendor"))),
        class: virtio_class(number).to_owned(),
        description: virtio_class(number).to_owned(),
        driver: files::link_name(folder.join("driver")),
    }
}

/// Device types of the virtio specification §5.
fn virtio_class(number: u32) -> &'static str {
    match number {
        1 => "network card",
        2 => "block device",
        3 => "console",
        4 => "entropy source",
        5 => "memory balloon",
        8 => "SCSI host",
        9 => "9P transport",
        16 => "GPU",
        18 => "input device",
        19 => "socket device",
        24 => "memory device",
        25 => "sound device",
        26 => "file system",
        _ => "",
    }
}

/// Replaces codes of classes by words and fills in descriptions, from the lists of ids where they are installed.
fn describe(root: &Path, devices: &mut [Device]) {
    let pci = Names::wanted(root, "pci", devices);
    let usb = Names::wanted(root, "usb", devices);
    for device in devices {
        let names = match device.bus.as_str() {
            "pci" => &pci,
            "usb" => &usb,
            _ => continue,
        };
        if device.description.is_empty() {
            device.description = names.device(&device.id);
        }
        let class = names.class(&device.class);
        if !class.is_empty() {
            // The code stays in front: rules ask for it, people read the words.
            device.class = format!("{} {class}", device.class);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine's `/sys` and list of ids, as far as they are read.
    fn laptop() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a file is in a folder"))
                .expect("a folder is made");
            std::fs::write(path, text).expect("a file is written");
        };
        for (file, text) in [
            ("vendor", "0x8086\n"),
            ("device", "0x9d2f\n"),
            ("class", "0x0c0330\n"),
        ] {
            write(&format!("sys/bus/pci/devices/0000:00:14.0/{file}"), text);
        }
        for (file, text) in [
            ("idVendor", "046d\n"),
            ("idProduct", "c31c\n"),
            ("bDeviceClass", "00\n"),
            ("1-3:1.0/x", ""),
        ] {
            write(&format!("sys/bus/usb/devices/1-3/{file}"), text);
        }
        for (file, text) in [
            ("idVendor", "1d6b\n"),
            ("idProduct", "0002\n"),
            ("bDeviceClass", "09\n"),
            ("product", "xHCI Host Controller\n"),
            ("manufacturer", "Linux\n"),
        ] {
            write(&format!("sys/bus/usb/devices/usb1/{file}"), text);
        }
        write("sys/bus/usb/devices/1-3:1.0/bInterfaceClass", "03\n");
        write(
            "usr/share/misc/pci.ids",
            "8086  Intel Corporation\n\t9d2f  Sunrise Point-LP USB 3.0\nC 0c  Serial bus controller\n\t03  USB controller\n",
        );
        write(
            "usr/share/hwdata/usb.ids",
            "046d  Logitech, Inc.\n\tc31c  Keyboard K120\nC 09  Hub\n",
        );
        let link = |to: &str, from: &str| {
            std::os::unix::fs::symlink(to, root.path().join(from)).expect("a link is made");
        };
        link(
            "../../drivers/xhci_hcd",
            "sys/bus/pci/devices/0000:00:14.0/driver",
        );
        link(
            "../../../drivers/usbhid",
            "sys/bus/usb/devices/1-3/1-3:1.0/driver",
        );
        link("../../drivers/usb", "sys/bus/usb/devices/usb1/driver");
        root
    }

    #[test]
    fn devices_of_a_laptop() {
        let found: Vec<_> = collect_under(laptop().path())
            .into_iter()
            .map(|d| [d.bus, d.address, d.id, d.class, d.description, d.driver].join("|"))
            .collect();
        assert_eq!(
            found,
            [
                "pci|0000:00:14.0|8086:9d2f|0c0330 USB controller|Intel Corporation Sunrise Point-LP USB 3.0|xhci_hcd",
                "usb|1-3|046d:c31c|00|Logitech, Inc. Keyboard K120|usbhid",
                "usb|usb1|1d6b:0002|09 Hub|Linux xHCI Host Controller|usb",
            ]
        );
    }

    #[test]
    fn virtio_devices_are_named() {
        for (number, name) in [
            (1, "network card"),
            (2, "block device"),
            (19, "socket device"),
            (999, ""),
        ] {
            assert_eq!(virtio_class(number), name);
        }
    }
}
