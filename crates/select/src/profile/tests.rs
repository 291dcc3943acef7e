//! Profiles are read, written, turned into rules, and imported without loss.

use std::{net::IpAddr, sync::Arc};

use escadre_model::{
    inventory::InstalledPackage,
    query::{Field, Subject},
};

use super::*;
use crate::{
    compss::{self, Circumstances},
    flags::Flags,
    machine::{DeviceText, Machine},
    profile::import::ForeignGroup,
    rating::Ratings,
    rpmsrate,
    urpm::{Installed, Medium, Options, Universe, Urpm},
};

const TEXT: &str = r#"
name = "office"
strategy = "best-fit"
preferences = ["postfix", "/^gnome-/"]
forbidden = ["telnet-server"]
pins = { nginx = ">= 1.24" }

[budget]
disk = "8GiB"
filesystems = { "/usr" = 3000 }

[[repository]]
name = "site"
priority = 10

[[group]]
path = "Desk"
label = "Writing"
flags = ["OFFICE"]
default = true

[[package]]
name = "libreoffice"
rate = 5
when = [["group:Desk|Writing"], ["not type:server", "host:name:kiosk*"]]

[[package]]
name = "alsa"
rate = 3
when = [["driver:^snd_||x"]]
weight = 2.5
"#;

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

fn medium(name: &str, packages: &[&str]) -> Medium {
    let text: String = packages
        .iter()
        .map(|full| {
            let (name, version) = full.split_once(' ').unwrap_or((full, "1"));
            format!("@provides@{name}[== {version}-1]\n@info@{name}-{version}-1.noarch@0@10@G\n")
        })
        .collect();
    let packages = escadre_catalog::synthesis::parse("s", text.as_bytes()).packages;
    Medium {
        name: name.to_owned(),
        packages,
        ..Medium::default()
    }
}

/// Names that would be wanted, with the given groups ticked.
fn wanted(
    rates: &rpmsrate::RateFile,
    groups: &[Group],
    machine: &Machine,
    mut flags: Flags,
) -> Vec<String> {
    let names: Vec<&str> = rates.packages.keys().map(String::as_str).collect();
    let universe = Universe::new(vec![medium("m", &names)], "x86_64");
    let mut urpm = Urpm::new(
        Arc::new(universe),
        Arc::new(Installed::default()),
        Options::default(),
    );
    let ratings = Ratings::new(&mut urpm, rates, machine, &flags);
    flags.set_categories(groups);
    flags.set("TRUE", true);
    let wanted = ratings.wanted(&flags, 1);
    wanted
        .into_iter()
        .map(|(rate, id)| format!("{rate} {}", urpm.universe().package(id).name))
        .collect()
}

#[test]
fn read_written_and_read_again() {
    let profile = Profile::parse(TEXT).expect("a good profile");
    assert_eq!(profile.lines, [22, 27]);
    assert_eq!(profile.budget.disk.map(|bytes| bytes.0), Some(8 << 30));
    let written = profile.write().expect("it can be written");
    let again = Profile::parse(&written).expect("what was written can be read");
    assert_eq!(
        Profile {
            lines: Vec::new(),
            ..again
        },
        Profile {
            lines: Vec::new(),
            ..profile.clone()
        }
    );
    assert_eq!(profile.problems("p.toml"), []);
}

#[test]
fn turned_into_rules() {
    let profile = Profile::parse(TEXT).expect("a good profile");
    let rules = profile.rules("p.toml");
    let sound = Machine {
        devices: vec![DeviceText {
            driver: "snd_hda".to_owned(),
            ..DeviceText::default()
        }],
        types: ["server".to_owned()].into(),
        ..Machine::default()
    };
    for (host, groups, expected) in [
        ("desk", rules.groups.as_slice(), vec!["3 alsa"]),
        ("kiosk1", &rules.groups, vec!["5 libreoffice", "3 alsa"]),
        ("kiosk1", &[], vec!["3 alsa"]),
    ] {
        let mut flags = Flags::default();
        rules.set_host_flags(&Named(host), &mut flags);
        assert_eq!(
            wanted(&rules.rates, groups, &sound, flags),
            expected,
            "{host}"
        );
    }
}

#[test]
fn doubts_are_reported_with_lines() {
    let text = "pins = { a = \"<\" }\npreferences = [\"/(/\"]\n[[package]]\nname = \"a\"\nrate = 9\nwhen = [[\"group:No|Where\", \"driver:(\"]]\n\
                [[package]]\nname = \"a\"\nrate = 1\n";
    let problems = Profile::parse(text)
        .expect("it can be read")
        .problems("p.toml");
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
    for bad in [
        "nam = 1",
        "[[package]]\nname = 'a'\nrate = 1\nwhen = [['colour:red']]",
        "[[package]]\nname = 'a'\nrate = 1\nwhen = [['host:((']]",
    ] {
        assert!(Profile::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn repositories_and_pins() {
    let mut profile = Profile {
        pins: [("a".to_owned(), "< 3".to_owned())].into(),
        ..Profile::default()
    };
    let shown = |profile: &Profile| -> Vec<String> {
        let media = profile.media(vec![
            medium("far", &["a 2", "b 9"]),
            medium("near", &["a 1", "a 3", "c"]),
            medium("other", &["d"]),
        ]);
        media
            .iter()
            .flat_map(|medium| {
                medium
                    .packages
                    .iter()
                    .map(escadre_catalog::Package::full_name)
            })
            .collect()
    };
    assert_eq!(shown(&profile).len(), 5);
    let named = |name: &str, priority| RepositoryUse {
        name: name.to_owned(),
        priority,
    };
    profile.repository = vec![named("far", 1), named("near", 5)];
    assert_eq!(
        shown(&profile),
        ["a-1-1.noarch", "c-1-1.noarch", "b-9-1.noarch"]
    );
}

/// The same packages are wanted by a rate file and by the profile that it became, for every edition and some machines.
#[test]
fn import_loses_nothing_that_selects() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/drakx/mini");
    let read = |name: &str| {
        std::fs::read_to_string(folder.join(name)).expect("the small distribution is there")
    };
    let (rates, _) = rpmsrate::parse("rpmsrate", &read("rpmsrate"));
    for class in crate::product::CLASSES {
        let about = Circumstances {
            meta_class: class.to_owned(),
            ..Circumstances::default()
        };
        let groups = compss::parse("c", &read("compssUsers.pl"), &about)
            .groups
            .expect("groups");
        let imported = import::rate_file("mini", &rates, &groups);
        let text = imported.profile.write().expect("it can be written");
        let rules = Profile::parse(&text).expect("it can be read").rules("p");
        let laptop = Machine {
            types: ["laptop".to_owned()].into(),
            ..Machine::default()
        };
        for machine in [Machine::default(), laptop] {
            for from in 0..groups.len() {
                let mut flags = Flags::default();
                flags.extend([format!("META_CLASS\"{class}\""), "SOUND".to_owned()]);
                let ours = wanted(&rules.rates, &rules.groups[from..], &machine, flags.clone());
                assert_eq!(
                    wanted(&rates, &groups[from..], &machine, flags),
                    ours,
                    "{class} from {from}"
                );
            }
        }
        assert_eq!(imported.report, []);
    }
}

#[test]
fn groups_of_others() {
    let list = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    let group = |label: &str, default, mandatory: &[&str], optional: &[&str]| ForeignGroup {
        path: "comps".to_owned(),
        label: label.to_owned(),
        default,
        mandatory: list(mandatory),
        optional: list(optional),
        conditional: vec![("lang".to_owned(), "office".to_owned())],
        ..ForeignGroup::default()
    };
    let imported = import::foreign_groups(
        "f",
        "comps.xml",
        &[
            group("Web", true, &["nginx"], &["vim"]),
            group("Edit", false, &["vim"], &[]),
        ],
    );
    let rules = imported.profile.rules("f");
    assert_eq!(
        wanted(
            &rules.rates,
            &rules.groups[..1],
            &Machine::default(),
            Flags::default()
        ),
        ["5 nginx", "5 vim"]
    );
    assert_eq!(imported.report.len(), 2);
}
