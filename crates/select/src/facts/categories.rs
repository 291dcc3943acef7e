//! Categories of drivers (`multimedia/sound`, `bus/bluetooth`), from the class of a device or the name of its driver.

use std::collections::BTreeSet;

use escadre_model::inventory::{Device, Inventory};

/// Beginnings of PCI class codes, as `lspci` and sysfs write them.
const CLASSES: [(&str, &str); 13] = [
    ("0100", "disk/scsi"),
    ("0101", "disk/ide"),
    ("0104", "disk/hardware_raid"),
    ("0106", "disk/sata"),
    ("0200", "network/main"),
    ("0280", "network/wireless"),
    ("0401", "multimedia/sound"),
    ("0403", "multimedia/sound"),
    ("0703", "network/slmodem"),
    ("0c00", "bus/firewire"),
    ("0c03", "bus/usb"),
    ("1000", "various/crypto"),
    ("1080", "various/crypto"),
];

/// Beginnings of driver names.
const DRIVERS: [(&str, &str); 26] = [
    ("snd_usb", "multimedia/usb_sound"),
    ("snd-usb", "multimedia/usb_sound"),
    ("snd", "multimedia/sound"),
    ("uvcvideo", "multimedia/webcam"),
    ("gspca", "multimedia/webcam"),
    ("pwc", "multimedia/webcam"),
    ("bttv", "multimedia/tv"),
    ("cx88", "multimedia/tv"),
    ("saa7134", "multimedia/tv"),
    ("ivtv", "multimedia/tv"),
    ("dvb", "multimedia/dvb"),
    ("b2c2", "multimedia/dvb"),
    ("radio", "multimedia/radio"),
    ("gameport", "multimedia/gameport"),
    ("btusb", "bus/bluetooth"),
    ("hci_uart", "bus/bluetooth"),
    ("bluetooth", "bus/bluetooth"),
    ("firewire", "bus/firewire"),
    ("ohci1394", "bus/firewire"),
    ("xhci", "bus/usb"),
    ("ehci", "bus/usb"),
    ("uhci", "bus/usb"),
    ("ohci", "bus/usb"),
    ("joydev", "input/joystick"),
    ("xpad", "input/joystick"),
    ("wacom", "input/tablet"),
];

/// Words in the description of a device, for inventories that tell neither class code nor driver.
const WORDS: [(&str, &str); 9] = [
    ("bluetooth", "bus/bluetooth"),
    ("webcam", "multimedia/webcam"),
    ("scanner", "multimedia/scanner"),
    ("audio", "multimedia/sound"),
    ("joystick", "input/joystick"),
    ("gamepad", "input/joystick"),
    ("camera", "multimedia/photo"),
    ("firewire", "bus/firewire"),
    ("ieee 1394", "bus/firewire"),
];

/// The categories of a host's devices.
pub(super) fn of(inventory: &Inventory) -> BTreeSet<String> {
    inventory
        .devices
        .iter()
        .flat_map(of_device)
        .map(str::to_owned)
        .collect()
}

fn of_device(device: &Device) -> Vec<&'static str> {
    let code = device.class.to_lowercase();
    let code = code.trim_start_matches("0x");
    let class = CLASSES.iter().find(|(start, _)| code.starts_with(start));
    let driver = DRIVERS
        .iter()
        .find(|(start, _)| device.driver.starts_with(start));
    let text = format!("{} {}", device.description, device.class).to_lowercase();
    let word = WORDS
        .iter()
        .find(|(word, _)| text.contains(word))
        .filter(|_| driver.is_none());
    [class, driver, word]
        .into_iter()
        .flatten()
        .map(|(_, category)| *category)
        .collect()
}
