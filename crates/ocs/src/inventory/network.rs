//! Network interfaces: agents send a row for each address, here they are one interface again.

use std::net::IpAddr;

use escadre_model::inventory::{InterfaceAddress, Network};

use super::values;
use crate::{message::Row, problems::Problems};

/// Interfaces in the order of their first row, loopback left out.
pub(super) fn networks(rows: &[Row], problems: &mut Problems) -> Vec<Network> {
    let mut networks: Vec<Network> = Vec::new();
    for row in rows {
        let (name, mac) = (row.get("DESCRIPTION"), mac(row.get("MACADDR")));
        let is_loopback = name == "lo" || row.get("TYPE").eq_ignore_ascii_case("loopback");
        if is_loopback || (name.is_empty() && mac.is_empty()) {
            continue;
        }
        let found = networks
            .iter()
            .position(|one| one.name == name && one.mac == mac);
        let index = found.unwrap_or_else(|| {
            networks.push(Network {
                name: name.to_owned(),
                mac,
                ..Network::default()
            });
            networks.len() - 1
        });
        let network = &mut networks[index];
        network.speed = network.speed.or_else(|| speed(row.get("SPEED")));
        if network.driver.is_empty() {
            row.get("DRIVER").clone_into(&mut network.driver);
        }
        if let Some(address) = address(row, problems)
            && !network.addresses.contains(&address)
        {
            network.addresses.push(address);
        }
    }
    networks
}

/// Lower case with colons; empty for what is no hardware address.
fn mac(text: &str) -> String {
    let mac = text.to_lowercase().replace('-', ":");
    let parts = mac.split(':');
    let is_mac = parts.clone().count() >= 6
        && parts
            .into_iter()
            .all(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit()));
    if is_mac { mac } else { String::new() }
}

/// `1 Gb/s`, `1000 Mbps`, `100 Mb/s`, in Mb/s; `-1 Mbps` and `0 Mbps` stand for unknown.
fn speed(text: &str) -> Option<u32> {
    let number = values::leading_number(text)?;
    let unit = text
        .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
        .trim_start();
    let factor = match unit.chars().next() {
        Some('G' | 'g') => 1e3,
        Some('M' | 'm') | None => 1.0,
        Some('K' | 'k') => 1e-3,
        Some('b' | 'B') => 1e-6,
        _ => return None,
    };
    let speed = number * factor;
    (1.0..1e7).contains(&speed).then_some(speed as u32)
}

/// The address of a row. Without a mask that can be read, an address is alone in its subnet.
fn address(row: &Row, problems: &mut Problems) -> Option<InterfaceAddress> {
    let text = row.get("IPADDRESS");
    if text.is_empty() {
        return None;
    }
    let without_zone = text.split('%').next().unwrap_or_default();
    let Ok(ip) = without_zone.parse::<IpAddr>() else {
        let message = format!(
            "NETWORKS/IPADDRESS is no address: `{}`",
            values::shown(text)
        );
        problems.warn(row.line, "ocs.bad-address", message);
        return None;
    };
    if ip.is_loopback() || ip.is_unspecified() {
        return None;
    }
    let alone = if ip.is_ipv4() { 32 } else { 128 };
    let mask = row.get("IPMASK");
    let prefix = prefix(mask).filter(|prefix| *prefix <= alone);
    if prefix.is_none() && !mask.is_empty() {
        let message = format!("NETWORKS/IPMASK is no mask: `{}`", values::shown(mask));
        problems.warn(row.line, "ocs.bad-address", message);
    }
    let prefix = prefix.unwrap_or(alone);
    Some(InterfaceAddress { ip, prefix })
}

/// `255.255.255.0`, `ffff:ffff::`, `0xffffff00`, `24`.
fn prefix(mask: &str) -> Option<u8> {
    let (bits, width) = match mask.parse::<IpAddr>() {
        Ok(IpAddr::V4(mask)) => (u128::from(mask.to_bits()) << 96, 32),
        Ok(IpAddr::V6(mask)) => (mask.to_bits(), 128),
        Err(_) => match mask.strip_prefix("0x") {
            Some(digits) => (u128::from(u32::from_str_radix(digits, 16).ok()?) << 96, 32),
            None => return mask.parse().ok(),
        },
    };
    let ones = bits.leading_ones();
    (bits.count_ones() == ones && ones <= width).then(|| u8::try_from(ones).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::sample::row;

    #[test]
    fn masks() {
        for (mask, expected) in [
            ("255.255.255.0", Some(24)),
            ("255.255.255.255", Some(32)),
            ("0.0.0.0", Some(0)),
            ("255.0.255.0", None),
            ("ffff:ffff:ffff:ffff::", Some(64)),
            ("0xffffff00", Some(24)),
            ("0xzz", None),
            ("64", Some(64)),
            ("", None),
            ("mask", None),
        ] {
            assert_eq!(prefix(mask), expected, "{mask}");
        }
    }

    #[test]
    fn speeds() {
        for (text, expected) in [
            ("1 Gb/s", Some(1000)),
            ("2.5 Gb/s", Some(2500)),
            ("1000 Mbps", Some(1000)),
            ("100", Some(100)),
            ("54000 Kb/s", Some(54)),
            ("-1 Mbps", None),
            ("0 Mbps", None),
            ("", None),
            ("fast", None),
        ] {
            assert_eq!(speed(text), expected, "{text}");
        }
    }

    #[test]
    fn rows_of_one_card_are_one_interface() {
        let rows = [
            row(
                "NETWORKS",
                &[("DESCRIPTION", "lo"), ("IPADDRESS", "127.0.0.1")],
            ),
            row(
                "NETWORKS",
                &[
                    ("DESCRIPTION", "eth0"),
                    ("MACADDR", "00-00-5E-00-53-01"),
                    ("IPADDRESS", "192.0.2.2"),
                    ("IPMASK", "255.255.255.0"),
                    ("SPEED", "-1 Mbps"),
                    ("DRIVER", "virtio_net"),
                ],
            ),
            row(
                "NETWORKS",
                &[
                    ("DESCRIPTION", "eth0"),
                    ("MACADDR", "00:00:5e:00:53:01"),
                    ("IPADDRESS", "fe80::1%eth0"),
                    ("IPMASK", "64"),
                    ("SPEED", "1 Gb/s"),
                ],
            ),
            row(
                "NETWORKS",
                &[
                    ("DESCRIPTION", "tun0"),
                    ("MACADDR", "none"),
                    ("IPADDRESS", "192.0.2.300"),
                ],
            ),
            row(
                "NETWORKS",
                &[
                    ("DESCRIPTION", "ppp0"),
                    ("IPADDRESS", "192.0.2.9"),
                    ("IPMASK", "what"),
                ],
            ),
        ];
        let mut problems = Problems::default();
        let shown: Vec<String> = networks(&rows, &mut problems)
            .iter()
            .map(|one| {
                let addresses = one
                    .addresses
                    .iter()
                    .map(|a| format!(" {}/{}", a.ip, a.prefix));
                let addresses: String = addresses.collect();
                format!(
                    "{} [{}] {:?} {}{addresses}",
                    one.name, one.mac, one.speed, one.driver
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "eth0 [00:00:5e:00:53:01] Some(1000) virtio_net 192.0.2.2/24 fe80::1/64",
                "tun0 [] None ",
                "ppp0 [] None  192.0.2.9/32",
            ]
        );
        assert_eq!(problems.finish().len(), 2);
    }
}
