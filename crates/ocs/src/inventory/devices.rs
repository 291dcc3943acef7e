//! Devices: CONTROLLERS are the PCI bus, with drivers; VIDEOS, SOUNDS, MODEMS, INPUTS and USBDEVICES say less.
//!
//! Unix agents list a graphics or sound card twice, under CONTROLLERS and by kind: it is one device here. Absent on
//! purpose: monitors, printers, ports and slots, which no kernel driver is bound to.

use escadre_model::inventory::Device;

use crate::message::Row;

/// What Unix agents put where others say a kind or a description: `rev 01`.
const REVISION: &str = "rev ";

/// All devices; those of CONTROLLERS first.
pub(super) fn devices<'a>(rows: impl Fn(&str) -> &'a [Row]) -> Vec<Device> {
    let mut devices: Vec<Device> = rows("CONTROLLERS").iter().map(controller).collect();
    let by_kind = [
        kind(rows("VIDEOS"), "display", video),
        kind(rows("SOUNDS"), "audio device", sound),
        kind(rows("MODEMS"), "modem", modem),
    ];
    for device in by_kind.into_iter().flatten() {
        let is_known = |other: &Device| other.description == device.description;
        if !devices.iter().any(is_known) {
            devices.push(device);
        }
    }
    devices.extend(rows("INPUTS").iter().map(input));
    devices.extend(rows("USBDEVICES").iter().map(usb));
    devices.retain(|device| !device.description.is_empty() || !device.id.is_empty());
    devices
}

/// On Unix NAME is the class (`Ethernet controller [0200]`) and MANUFACTURER the description; on Windows TYPE is the
/// class.
fn controller(row: &Row) -> Device {
    let (slot, id, kind) = (row.get("PCISLOT"), row.get("PCIID"), row.get("TYPE"));
    let is_pci = !slot.is_empty() || !id.is_empty();
    let is_unix = is_pci || kind.is_empty() || kind.starts_with(REVISION);
    let (class, description) = if is_unix {
        (
            class_code(row.get("NAME")),
            row.get("MANUFACTURER").to_owned(),
        )
    } else {
        (kind, with_maker(row.get("MANUFACTURER"), row.get("NAME")))
    };
    Device {
        bus: if is_pci { "pci" } else { "" }.to_owned(),
        address: slot.to_owned(),
        id: id.to_lowercase(),
        class: class.to_owned(),
        description,
        driver: row.get("DRIVER").to_owned(),
    }
}

/// The code in brackets at the end, which rules go by; the words where there is none.
fn class_code(name: &str) -> &str {
    let code = name
        .strip_suffix(']')
        .and_then(|rest| rest.rsplit_once('['));
    let is_code = |code: &str| code.len() == 4 && code.bytes().all(|byte| byte.is_ascii_hexdigit());
    match code {
        Some((_, code)) if is_code(code) => code,
        _ => name,
    }
}

fn with_maker(maker: &str, name: &str) -> String {
    if maker.is_empty() || maker.starts_with('(') || name.starts_with(maker) {
        name.to_owned()
    } else {
        format!("{maker} {name}").trim_end().to_owned()
    }
}

fn kind(rows: &[Row], class: &str, description: fn(&Row) -> String) -> Vec<Device> {
    let device = |row: &Row| Device {
        class: class.to_owned(),
        description: description(row),
        driver: row.get("DRIVER").to_owned(),
        ..Device::default()
    };
    rows.iter().map(device).collect()
}

fn video(row: &Row) -> String {
    row.get("NAME").to_owned()
}

/// On Unix NAME is the class and MANUFACTURER the card; on Windows NAME is the card.
fn sound(row: &Row) -> String {
    let (maker, name, more) = (
        row.get("MANUFACTURER"),
        row.get("NAME"),
        row.get("DESCRIPTION"),
    );
    let is_unix = more.is_empty() || more.starts_with(REVISION);
    if is_unix && !maker.is_empty() {
        maker.to_owned()
    } else {
        with_maker(maker, name)
    }
}

fn modem(row: &Row) -> String {
    let words = [row.get("DESCRIPTION"), row.get("MODEL"), row.get("NAME")];
    words
        .into_iter()
        .find(|word| !word.is_empty())
        .unwrap_or_default()
        .to_owned()
}

fn input(row: &Row) -> Device {
    let words = [row.get("CAPTION"), row.get("DESCRIPTION")];
    let words = words.into_iter().find(|word| !word.is_empty());
    Device {
        bus: row.get("INTERFACE").to_lowercase(),
        class: row.get("TYPE").to_owned(),
        description: with_maker(row.get("MANUFACTURER"), words.unwrap_or_default()),
        ..Device::default()
    }
}

fn usb(row: &Row) -> Device {
    let words = [row.get("DESCRIPTION"), row.get("CAPTION"), row.get("NAME")];
    let words = words.into_iter().find(|word| !word.is_empty());
    Device {
        bus: "usb".to_owned(),
        class: row.get("TYPE").to_owned(),
        description: with_maker(row.get("MANUFACTURER"), words.unwrap_or_default()),
        ..Device::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::sample::row;

    fn check(rows: &[Row], expected: &[&str]) {
        let of = |section: &str| -> Vec<Row> {
            rows.iter()
                .filter(|row| row.section == section)
                .cloned()
                .collect()
        };
        let sections = [
            "CONTROLLERS",
            "VIDEOS",
            "SOUNDS",
            "MODEMS",
            "INPUTS",
            "USBDEVICES",
        ]
        .map(|section| (section, of(section)));
        let devices = devices(|wanted| {
            let found = sections.iter().find(|(section, _)| *section == wanted);
            found.map_or(&[], |(_, rows)| rows.as_slice())
        });
        let shown = devices.iter().map(|one| {
            [
                &*one.bus,
                &one.address,
                &one.id,
                &one.class,
                &one.description,
                &one.driver,
            ]
            .join("|")
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn unix() {
        let vga = "Red Hat, Inc. QXL paravirtual graphic card";
        check(
            &[
                row(
                    "CONTROLLERS",
                    &[
                        ("NAME", "VGA compatible controller [0300]"),
                        ("MANUFACTURER", vga),
                        ("TYPE", "rev 04"),
                        ("PCIID", "1B36:0100"),
                        ("PCISLOT", "00:01.0"),
                        ("DRIVER", "qxl"),
                    ],
                ),
                row(
                    "CONTROLLERS",
                    &[
                        ("NAME", "Host bridge"),
                        ("MANUFACTURER", "Intel 440FX"),
                        ("TYPE", "rev 02"),
                    ],
                ),
                row(
                    "VIDEOS",
                    &[("CHIPSET", "VGA compatible controller"), ("NAME", vga)],
                ),
                row(
                    "SOUNDS",
                    &[
                        ("NAME", "Audio device"),
                        ("MANUFACTURER", "Intel HDA"),
                        ("DESCRIPTION", "rev 01"),
                    ],
                ),
                row(
                    "INPUTS",
                    &[
                        ("CAPTION", "SynPS/2 Synaptics TouchPad"),
                        ("TYPE", "mouse0"),
                    ],
                ),
                row(
                    "USBDEVICES",
                    &[
                        ("MANUFACTURER", "Logitech"),
                        ("DESCRIPTION", "Webcam"),
                        ("TYPE", "Video"),
                    ],
                ),
                row("MODEMS", &[]),
            ],
            &[
                "pci|00:01.0|1b36:0100|0300|Red Hat, Inc. QXL paravirtual graphic card|qxl",
                "|||Host bridge|Intel 440FX|",
                "|||audio device|Intel HDA|",
                "|||mouse0|SynPS/2 Synaptics TouchPad|",
                "usb|||Video|Logitech Webcam|",
            ],
        );
    }

    #[test]
    fn windows() {
        check(
            &[
                row(
                    "CONTROLLERS",
                    &[
                        ("MANUFACTURER", "Standard AHCI"),
                        ("NAME", "Standard SATA AHCI Controller"),
                        ("TYPE", "IDE Controller"),
                    ],
                ),
                row(
                    "VIDEOS",
                    &[
                        ("NAME", "Intel(R) UHD Graphics 630"),
                        ("CHIPSET", "Intel(R) UHD"),
                    ],
                ),
                row(
                    "SOUNDS",
                    &[
                        ("MANUFACTURER", "Realtek"),
                        ("NAME", "Realtek(R) Audio"),
                        ("DESCRIPTION", "Realtek(R) Audio"),
                    ],
                ),
                row(
                    "INPUTS",
                    &[
                        ("TYPE", "Keyboard"),
                        ("MANUFACTURER", "(Standard keyboards)"),
                        ("CAPTION", "Enhanced"),
                        ("INTERFACE", "USB"),
                    ],
                ),
            ],
            &[
                "|||IDE Controller|Standard AHCI Standard SATA AHCI Controller|",
                "|||display|Intel(R) UHD Graphics 630|",
                "|||audio device|Realtek(R) Audio|",
                "usb|||Keyboard|Enhanced|",
            ],
        );
    }
}
