//! The lists of ids, `pci.ids` and `usb.ids`: words for what the buses give as numbers.
//!
//! Only the lines of this machine's devices are kept. Where no list is installed, base classes still have their names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use escadre_model::inventory::Device;

use crate::files;

/// Words for the devices of one bus.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Names {
    vendors: BTreeMap<String, String>,
    devices: BTreeMap<String, String>,
    classes: BTreeMap<String, String>,
    pci: bool,
}

impl Names {
    /// Reads what concerns these devices from the bus's list.
    pub(super) fn wanted(root: &Path, bus: &str, devices: &[Device]) -> Self {
        let ids: BTreeSet<&str> = devices
            .iter()
            .filter(|d| d.bus == bus)
            .map(|d| d.id.as_str())
            .collect();
        if ids.is_empty() {
            return Self::default();
        }
        let list = ["usr/share/misc", "usr/share/hwdata", "usr/share"]
            .iter()
            .map(|folder| files::text(root.join(folder).join(format!("{bus}.ids"))))
            .find(|text| !text.is_empty())
            .unwrap_or_default();
        Self {
            pci: bus == "pci",
            ..Self::parse(&list, &ids)
        }
    }

    /// `vvvv  Vendor`, `<tab>dddd  Device`, `C cc  Class`, `<tab>ss  Subclass` under a class.
    fn parse(list: &str, ids: &BTreeSet<&str>) -> Self {
        let mut names = Self::default();
        let (mut vendor, mut class) = (String::new(), String::new());
        for line in list.lines() {
            if line.starts_with('#') || line.is_empty() || line.starts_with("\t\t") {
                continue;
            }
            let (nested, text) = line
                .strip_prefix('\t')
                .map_or((false, line), |text| (true, text));
            let Some((code, words)) = text.split_once("  ") else {
                continue;
            };
            let words = words.trim().to_owned();
            match (nested, code.strip_prefix("C ")) {
                (false, Some(code)) => {
                    (vendor, class) = (String::new(), code.to_owned());
                    names.classes.insert(code.to_owned(), words);
                }
                (false, None) => {
                    class.clear();
                    code.clone_into(&mut vendor);
                    if ids.iter().any(|id| id.split(':').next() == Some(code)) {
                        names.vendors.insert(code.to_owned(), words);
                    }
                }
                (true, _) if !class.is_empty() => {
                    names.classes.insert(format!("{class}{code}"), words);
                }
                (true, _) => {
                    let id = format!("{vendor}:{code}");
                    if ids.contains(id.as_str()) {
                        names.devices.insert(id, words);
                    }
                }
            }
        }
        names
    }

    /// Maker and device, as far as they are known.
    pub(super) fn device(&self, id: &str) -> String {
        let vendor = id
            .split(':')
            .next()
            .and_then(|vendor| self.vendors.get(vendor));
        let words = [vendor, self.devices.get(id)];
        words
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The class in words: the subclass's, else the class's. Codes begin with two digits each.
    pub(super) fn class(&self, code: &str) -> String {
        let listed = code
            .get(..4)
            .and_then(|sub| self.classes.get(sub))
            .or_else(|| self.classes.get(code.get(..2)?));
        match listed {
            Some(words) => words.clone(),
            None if self.pci => base_class(code).to_owned(),
            None => String::new(),
        }
    }
}

/// Base classes of the PCI code and id assignment specification §1.
fn base_class(code: &str) -> &'static str {
    match code.get(..2).unwrap_or_default() {
        "01" => "Mass storage controller",
        "02" => "Network controller",
        "03" => "Display controller",
        "04" => "Multimedia controller",
        "05" => "Memory controller",
        "06" => "Bridge",
        "07" => "Communication controller",
        "08" => "System peripheral",
        "09" => "Input device controller",
        "0b" => "Processor",
        "0c" => "Serial bus controller",
        "0d" => "Wireless controller",
        "10" => "Encryption controller",
        "11" => "Signal processing controller",
        "12" => "Processing accelerator",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# comment\n10ec  Realtek Semiconductor Co., Ltd.\n\t8139  RTL-8100/8101L/8139\n\t\t10ec 8139  Sub\n\
                        \t8168  RTL8111/8168/8411\n8086  Intel Corporation\n\t1237  440FX - 82441FX\nC 02  Network controller\n\
                        \t00  Ethernet controller\n\t80  Network controller\nC 0c  Serial bus controller\n\t03  USB controller\n\t\t30  XHCI\n";

    #[test]
    fn words_for_numbers() {
        let names = Names {
            pci: true,
            ..Names::parse(LIST, &["10ec:8168", "8086:ffff"].into())
        };
        for (id, words) in [
            (
                "10ec:8168",
                "Realtek Semiconductor Co., Ltd. RTL8111/8168/8411",
            ),
            ("8086:ffff", "Intel Corporation"),
            ("1af4:1041", ""),
        ] {
            assert_eq!(names.device(id), words);
        }
        for (code, words) in [
            ("020000", "Ethernet controller"),
            ("0c0330", "USB controller"),
            ("02ff00", "Network controller"),
            ("018000", "Mass storage controller"),
            ("ffff00", ""),
            ("", ""),
        ] {
            assert_eq!(names.class(code), words);
        }
    }
}
