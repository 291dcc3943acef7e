//! A machine as the rules see it, and the flags that are always set for it (the DrakX reference §4).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{era::Era, flags::Flags, locale, pattern};

/// What is known of a device, in words.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceText {
    /// Name of the driver, or a note such as `Card:NVIDIA GeForce`, `Flag:light`, `Pkg:foo`.
    pub driver: String,
    /// `Vendor|Device`.
    pub description: String,
}

/// A machine as the rules see it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Devices.
    pub devices: Vec<DeviceText>,
    /// Kinds: `laptop`, `64bit`, `wireless`, `touchpad`, ….
    pub types: BTreeSet<String>,
    /// Categories of the drivers in use: `multimedia/sound`, `bus/bluetooth`, ….
    pub categories: BTreeSet<String>,
    /// Has a DVD drive.
    pub dvd: bool,
    /// Has a CD burner.
    pub burner: bool,
    /// Has a USB controller.
    pub usb: bool,
    /// Has PCMCIA.
    pub pcmcia: bool,
    /// More than one processor.
    pub smp: bool,
    /// More memory than a 32-bit system without PAE sees.
    pub bigmem: bool,
    /// Little memory or a slow processor.
    pub low_resources: bool,
    /// A netbook or nettop.
    pub netbook: bool,
    /// Take all hardware as there: images that must run anywhere.
    pub match_all_hardware: bool,
}

/// What else decides the flags that are always set.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Edition.
    pub meta_class: String,
    /// The chosen language.
    pub language: String,
    /// All chosen languages; empty when there is only the one.
    pub languages: Vec<String>,
    /// The locale is UTF-8.
    pub utf8: bool,
    /// Security level.
    pub security: i64,
    /// A level was imposed.
    pub level_imposed: bool,
    /// Names of the media, for the flag of commercial ones (2008.1).
    pub media: Vec<String>,
}

/// Log line of light machines.
const LIGHT_LINE: &str =
    "activation light desktop mode (for low resources systems or netbook/nettops)";

/// Categories below `multimedia` that are flags.
const MULTIMEDIA: [&str; 9] = [
    "sound",
    "tv",
    "radio",
    "photo",
    "scanner",
    "webcam",
    "dvb",
    "gameport",
    "usb_sound",
];

/// Descriptions of cards that draw in three dimensions.
const THREE_D: [&str; 14] = [
    "Matrox.* G[245][05]0",
    "Rage X[CL]",
    "3D Rage (?:LT|Pro)",
    "Voodoo [35]",
    "Voodoo Banshee",
    "8281[05].* CGC",
    "Rage 128",
    "Radeon ",
    "nVidia.*TNT2",
    "nVidia.*NV[56]",
    "nVidia.*Vanta",
    "nVidia.*GeForce",
    "nVidia.*NV1[15]",
    "nVidia.*Quadro",
];

impl Machine {
    /// Whether a light desktop is wanted.
    pub fn is_light(&self) -> bool {
        self.low_resources || self.netbook
    }

    /// The level of the second pass unless one is imposed.
    pub fn default_rate(&self, era: Era) -> u8 {
        if era.knows_light_machines() && self.is_light() {
            5
        } else {
            4
        }
    }

    /// Whether some driver belongs to a category: `a/b`, `a/b|c`, `a/*`.
    pub fn has_category(&self, wanted: &str) -> bool {
        if self.categories.contains(wanted) {
            return true;
        }
        let Some((class, subs)) = wanted.rsplit_once('/') else {
            return false;
        };
        self.categories
            .iter()
            .filter_map(|category| category.rsplit_once('/'))
            .any(|(other, sub)| {
                other == class && (subs == "*" || subs.split('|').any(|wanted| wanted == sub))
            })
    }

    /// Packages that devices ask for (`Pkg:foo`).
    pub fn device_packages(&self) -> impl Iterator<Item = &str> {
        self.devices
            .iter()
            .filter_map(|device| device.driver.strip_prefix("Pkg:"))
    }

    fn draws_in_3d(&self) -> bool {
        THREE_D
            .iter()
            .filter_map(|text| pattern::compile(text).ok())
            .any(|regex| {
                self.devices
                    .iter()
                    .any(|device| regex.is_match(&device.description))
            })
    }

    /// The flags that are always set, and the lines that are logged about them.
    pub fn always_flags(&self, setting: &Setting, era: Era) -> (Flags, Vec<String>) {
        let mut flags = Flags::default();
        let mut log = Vec::new();
        flags.set(format!("META_CLASS\"{}\"", setting.meta_class), true);
        self.add_hardware_flags(&mut flags);
        let commercial = || setting.media.iter().any(|name| name.contains("commercial"));
        let plain = [
            ("UTF8", setting.utf8),
            ("BIGMEM", self.bigmem),
            ("HIGH_SECURITY", setting.security > era.ordinary_security()),
            ("CDCOM", era == Era::Y2008 && commercial()),
        ];
        flags.extend(plain.iter().filter(|(_, on)| *on).map(|(flag, _)| *flag));
        let may_be_light = era.knows_light_machines() && !self.match_all_hardware;
        if may_be_light && !setting.level_imposed && self.is_light() {
            log.push(LIGHT_LINE.to_owned());
            flags.set("LIGHT", true);
        }
        setting.add_language_flags(&mut flags);
        (flags, log)
    }

    fn add_hardware_flags(&self, flags: &mut Flags) {
        let all = self.match_all_hardware;
        let sub = |name: &&&str| all || self.has_category(&format!("multimedia/{name}"));
        flags.extend(
            MULTIMEDIA
                .iter()
                .filter(sub)
                .map(|name| name.to_uppercase()),
        );
        let noted = self
            .devices
            .iter()
            .filter_map(|device| device.driver.strip_prefix("Flag:"));
        flags.extend(noted.map(str::to_uppercase));
        let hardware = [
            ("BURNER", self.burner),
            ("DVD", self.dvd),
            ("USB", self.usb),
            ("PCMCIA", self.pcmcia),
            ("SMP", self.smp),
            ("3D", self.draws_in_3d()),
        ];
        flags.extend(
            hardware
                .iter()
                .filter(|(_, there)| all || *there)
                .map(|(flag, _)| *flag),
        );
    }
}

impl Setting {
    /// The languages that were chosen.
    pub fn chosen_languages(&self) -> Vec<&str> {
        if self.languages.is_empty() {
            vec![self.language.as_str()]
        } else {
            self.languages.iter().map(String::as_str).collect()
        }
    }

    fn add_language_flags(&self, flags: &mut Flags) {
        for code in self
            .chosen_languages()
            .into_iter()
            .filter(|code| !code.is_empty())
        {
            flags.extend(
                locale::language_list(code)
                    .iter()
                    .map(|name| format!("LOCALES\"{name}\"")),
            );
        }
        let charset = locale::charset(&self.language).unwrap_or_default();
        flags.set(format!("CHARSET\"{charset}\""), true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(machine: &Machine, setting: &Setting, era: Era) -> String {
        machine.always_flags(setting, era).0.joined()
    }

    fn french() -> Setting {
        Setting {
            meta_class: "powerpack".to_owned(),
            language: "fr".to_owned(),
            utf8: true,
            ..Setting::default()
        }
    }

    #[test]
    fn french_machine() {
        assert_eq!(
            shown(&Machine::default(), &french(), Era::Y2010),
            "CHARSET\"iso-8859-15\" LOCALES\"fr\" LOCALES\"fr_FR\" META_CLASS\"powerpack\" UTF8"
        );
    }

    #[test]
    fn eras_differ() {
        let netbook = Machine {
            netbook: true,
            ..Machine::default()
        };
        let secure = Setting {
            security: 2,
            media: vec!["a commercial one".to_owned()],
            ..french()
        };
        assert!(shown(&netbook, &secure, Era::Y2010).contains("HIGH_SECURITY LIGHT"));
        let old = shown(&netbook, &secure, Era::Y2008);
        assert!(
            old.contains("CDCOM") && !old.contains("LIGHT") && !old.contains("HIGH_SECURITY"),
            "{old}"
        );
        assert_eq!(
            (
                netbook.default_rate(Era::Y2010),
                netbook.default_rate(Era::Y2008)
            ),
            (5, 4)
        );
    }

    #[test]
    fn devices_give_flags() {
        let device = |driver: &str, description: &str| DeviceText {
            driver: driver.to_owned(),
            description: description.to_owned(),
        };
        let machine = Machine {
            devices: vec![
                device("Flag:light", ""),
                device("Card:x", "ATI|Radeon 9000"),
                device("Pkg:foo", ""),
            ],
            categories: ["multimedia/webcam".to_owned(), "bus/usb".to_owned()].into(),
            ..Machine::default()
        };
        let flags = machine.always_flags(&french(), Era::Y2010).0;
        assert!(
            ["3D", "LIGHT", "WEBCAM"]
                .iter()
                .all(|flag| flags.is_set(flag)),
            "{}",
            flags.joined()
        );
        assert_eq!(machine.device_packages().collect::<Vec<_>>(), ["foo"]);
        assert!(
            machine.has_category("bus/*")
                && machine.has_category("bus/pci|usb")
                && !machine.has_category("bus/pci")
        );
    }

    #[test]
    fn all_hardware() {
        let machine = Machine {
            match_all_hardware: true,
            netbook: true,
            ..Machine::default()
        };
        let flags = machine.always_flags(&french(), Era::Y2010).0;
        assert!(flags.is_set("3D") && flags.is_set("SMP") && flags.is_set("USB_SOUND"));
        assert!(!flags.is_set("LIGHT") && !flags.is_set("BIGMEM"));
    }
}
