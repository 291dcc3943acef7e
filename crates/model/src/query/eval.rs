//! Tree against host.

use std::net::IpAddr;

use super::{Field, Node, Op};
use crate::{ByteCount, inventory::InstalledPackage, version};

/// What a query can ask of a host.
pub trait Subject {
    /// Every value of a text field, in any letter case. None for an unknown value.
    fn texts(&self, field: Field) -> Vec<&str>;
    /// The value of a numeric field.
    fn number(&self, field: Field) -> Option<u64>;
    /// Addresses of the host.
    fn addresses(&self) -> Vec<IpAddr>;
    /// Installed packages whose name matches the pattern; the pattern is in lower case.
    fn packages(&self, name: &dyn Fn(&str) -> bool) -> Vec<&InstalledPackage>;
}

pub(super) fn eval(node: &Node, subject: &dyn Subject) -> bool {
    match node {
        Node::All(parts) => parts.iter().all(|part| eval(part, subject)),
        Node::Any(parts) => parts.iter().any(|part| eval(part, subject)),
        Node::Not(inner) => !eval(inner, subject),
        Node::Word(word) => [Field::Name, Field::Tag, Field::Site, Field::Os]
            .iter()
            .any(|&field| {
                subject
                    .texts(field)
                    .iter()
                    .any(|text| text.to_lowercase().contains(word.as_str()))
            }),
        Node::Has { package, version } => {
            let found = subject.packages(&|name| wildcard(package, &name.to_lowercase()));
            match version {
                None => !found.is_empty(),
                Some((op, wanted)) => found
                    .iter()
                    .any(|p| op.holds(version::compare(p.kind, &p.version, wanted))),
            }
        }
        Node::Term {
            field: Field::Ip,
            op,
            value,
        } => match (op, subnet(value)) {
            (Op::Contains, _) | (_, None) => subject
                .addresses()
                .iter()
                .any(|ip| ip.to_string().contains(value.as_str())),
            (Op::NotEqual, Some(net)) => !subject.addresses().iter().any(|ip| contains(net, *ip)),
            (_, Some(net)) => subject.addresses().iter().any(|ip| contains(net, *ip)),
        },
        Node::Term { field, op, value } if field.is_number() => {
            match (subject.number(*field), value.parse::<ByteCount>()) {
                (Some(have), Ok(wanted)) => op.holds(have.cmp(&wanted.0)),
                _ => false,
            }
        }
        Node::Term { field, op, value } => {
            let texts = subject.texts(*field);
            let mut lower = texts.iter().map(|text| text.to_lowercase());
            match op {
                Op::Is => lower.any(|text| wildcard(value, &text)),
                Op::Contains => lower.any(|text| text.contains(value.as_str())),
                Op::NotEqual => !lower.any(|text| text == *value),
                op => lower.any(|text| op.holds(version::deb(&text, value))),
            }
        }
    }
}

/// An address or a subnet, as address and prefix length.
pub(super) fn subnet(text: &str) -> Option<(IpAddr, u8)> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address.parse().ok()?, Some(prefix.parse().ok()?)),
        None => (text.parse::<IpAddr>().ok()?, None),
    };
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.unwrap_or(longest);
    (prefix <= longest).then_some((address, prefix))
}

fn contains((net, prefix): (IpAddr, u8), ip: IpAddr) -> bool {
    match (net, ip) {
        (IpAddr::V4(net), IpAddr::V4(ip)) => {
            let shift = 32 - u32::from(prefix);
            u32::from(net).checked_shr(shift) == u32::from(ip).checked_shr(shift)
        }
        (IpAddr::V6(net), IpAddr::V6(ip)) => {
            let shift = 128 - u32::from(prefix);
            u128::from(net).checked_shr(shift) == u128::from(ip).checked_shr(shift)
        }
        _ => false,
    }
}

/// `*` any text, `?` any character; linear in both for one star, never exponential.
fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut retry) = (0, 0, None);
    while t < text.len() {
        if p < pattern.len() && (pattern[p] == text[t] || pattern[p] == '?') {
            (p, t) = (p + 1, t + 1);
        } else if p < pattern.len() && pattern[p] == '*' {
            retry = Some((p, t));
            p += 1;
        } else if let Some((star, from)) = retry {
            (p, t) = (star + 1, from + 1);
            retry = Some((star, from + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Query;
    use proptest::prelude::*;

    struct Host {
        packages: Vec<InstalledPackage>,
    }

    impl Subject for Host {
        fn texts(&self, field: Field) -> Vec<&str> {
            match field {
                Field::Name => vec!["Web-01"],
                Field::Tag => vec!["alpha-ring", "front"],
                Field::Site => vec!["bordeaux"],
                Field::Os => vec!["debian", "12", "Debian GNU/Linux 12 (bookworm)"],
                _ => Vec::new(),
            }
        }
        fn number(&self, field: Field) -> Option<u64> {
            (field == Field::Memory).then_some(4 << 30)
        }
        fn addresses(&self) -> Vec<IpAddr> {
            ["10.1.2.3", "fe80::1"]
                .iter()
                .filter_map(|a| a.parse().ok())
                .collect()
        }
        fn packages(&self, name: &dyn Fn(&str) -> bool) -> Vec<&InstalledPackage> {
            self.packages.iter().filter(|p| name(&p.name)).collect()
        }
    }

    fn host() -> Host {
        let nginx = InstalledPackage {
            name: "nginx".into(),
            version: "1.22.1-9".into(),
            ..Default::default()
        };
        Host {
            packages: vec![nginx],
        }
    }

    #[test]
    fn queries_mean_what_they_say() {
        for (text, expected) in [
            ("", true),
            ("site:bordeaux tag~alpha os:debian has:nginx<1.25", true),
            ("site:paris", false),
            ("not site:paris", true),
            ("-site:paris", true),
            ("!site:bordeaux", false),
            ("name:web*", true),
            ("name:web", false),
            ("web", true),
            ("name:web* and (tag:front or tag:back)", true),
            ("tag:back or tag:front", true),
            ("tag:back or tag:middle", false),
            ("ip:10.0.0.0/8", true),
            ("ip:10.1.2.3", true),
            ("ip:10.2.0.0/16", false),
            ("ip:0.0.0.0/0", true),
            ("ip:fe80::/64", true),
            ("has:nginx", true),
            ("has:ngin*", true),
            ("has:nginx>=1.22.1-9", true),
            ("has:nginx>1.22.1-9", false),
            ("has:apache2", false),
            ("memory>=4GiB", true),
            ("memory<4GiB", false),
            ("cpus>1", false),
            ("not cpus>1", true),
            ("os~\"gnu/linux 12\"", true),
            ("BORDEAUX OR nothing", true),
        ] {
            let query = Query::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(query.matches(&host()), expected, "{text}");
        }
    }

    #[test]
    fn errors_name_the_place() {
        let cases = [
            "(a",
            "a )",
            "colour:red",
            "name:",
            "memory>much",
            "ip:300.1.1.1",
            "a or",
            "and b",
            "\"a",
            "site<3",
            "has:<3",
        ];
        let told: Vec<String> = cases
            .iter()
            .map(|text| match Query::parse(text) {
                Ok(_) => format!("{text}: accepted"),
                Err(error) => format!("{text}: {error}"),
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "\\PC{0,60}") {
            if let Ok(query) = Query::parse(&text) {
                query.matches(&host());
            }
        }
    }
}
