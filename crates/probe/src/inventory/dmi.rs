//! Maker, model and kind of the machine, from DMI or the device tree.

use escadre_model::inventory::Machine;

use crate::files;

pub(super) fn collect() -> Machine {
    let field = |name: &str| real(files::line(format!("/sys/class/dmi/id/{name}")));
    let mut model = field("product_name");
    if model.is_empty() {
        model = files::line("/proc/device-tree/model");
    }
    let kind = files::number("/sys/class/dmi/id/chassis_type");
    Machine {
        vendor: field("sys_vendor"),
        model,
        serial: field("product_serial"),
        chassis: chassis(kind, virtual_cpu()),
    }
}

/// What a board's maker forgot to fill in is no value.
fn real(text: String) -> String {
    const FORGOTTEN: [&str; 7] = [
        "To Be Filled By O.E.M.",
        "To be filled by O.E.M.",
        "System manufacturer",
        "System Product Name",
        "System Serial Number",
        "Default string",
        "Not Specified",
    ];
    if FORGOTTEN.contains(&text.as_str()) {
        String::new()
    } else {
        text
    }
}

fn virtual_cpu() -> bool {
    files::text("/proc/cpuinfo")
        .lines()
        .find(|line| line.starts_with("flags"))
        .is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor"))
}

/// The kind of case in words: SMBIOS specification §7.4.1, in the three groups that matter to an administrator.
fn chassis(kind: Option<u64>, is_virtual: bool) -> String {
    let word = match kind {
        _ if is_virtual => "virtual",
        Some(8..=10 | 14 | 30..=32) => "laptop",
        Some(3..=7 | 13 | 15 | 16 | 24 | 35 | 36) => "desktop",
        Some(17 | 23 | 25 | 28 | 29) => "server",
        _ => "",
    };
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        for (kind, is_virtual, word) in [
            (Some(10), false, "laptop"),
            (Some(3), false, "desktop"),
            (Some(23), false, "server"),
            (Some(1), true, "virtual"),
            (None, false, ""),
        ] {
            assert_eq!(chassis(kind, is_virtual), word);
        }
        assert_eq!(real("Default string".to_owned()), "");
        assert_eq!(real("PowerEdge R640".to_owned()), "PowerEdge R640");
    }
}
