//! A profile on hosts of several kinds.

use std::net::IpAddr;

use escadre_model::{
    inventory::{Device, InstalledPackage, Os},
    query::Field,
};

use super::*;

const PROFILE: &str = r#"
name = "office"
base = ["core"]
always = ["ssh"]
forbidden = ["games"]
preferences = ["mail-b"]
STRATEGY

[budget]
disk = 1000

[[group]]
path = "Desk"
label = "Writing"
default = true

[[package]]
name = "writer"
rate = 5
when = [["group:Desk|Writing"]]

[[package]]
name = "huge"
rate = 5

[[package]]
name = "sound"
rate = 4
when = [["driver:^snd"]]

[[package]]
name = "kiosk"
rate = 4
when = [["host:name:kiosk*"]]

[[package]]
name = "games"
rate = 5

[[package]]
name = "nowhere"
rate = 5
"#;

const MEDIA: [(&str, u64, &str, &str); 10] = [
    ("core", 100, "", ""),
    ("ssh", 10, "", ""),
    ("writer", 200, "mail", ""),
    ("mail-a", 10, "", "mail"),
    ("mail-b", 20, "", "mail"),
    ("huge", 900, "", ""),
    ("sound", 30, "", ""),
    ("kiosk", 40, "", ""),
    ("games", 50, "", ""),
    ("locales-fr", 5, "", ""),
];

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

fn planned(strategy: &str, host: &'static str, driver: &str) -> Plan {
    let text: String = MEDIA
        .iter()
        .map(|(name, size, requires, provides)| {
            let provides = if provides.is_empty() {
                String::new()
            } else {
                format!("@{provides}")
            };
            let requires = if requires.is_empty() {
                String::new()
            } else {
                format!("@requires@{requires}\n")
            };
            format!(
                "@provides@{name}[== 1-1]{provides}\n{requires}@info@{name}-1-1.noarch@0@{size}@G\n"
            )
        })
        .collect();
    let packages = escadre_catalog::synthesis::parse("s", text.as_bytes()).packages;
    let profile = PROFILE.replace("STRATEGY", &format!("strategy = \"{strategy}\""));
    let profile = Profile::parse(&profile).expect("a good profile");
    let inventory = Inventory {
        os: Os {
            arch: "x86_64".to_owned(),
            ..Os::default()
        },
        locale: "fr_FR.UTF-8".to_owned(),
        devices: vec![Device {
            driver: driver.to_owned(),
            ..Device::default()
        }],
        ..Inventory::default()
    };
    let medium = Medium {
        name: "main".to_owned(),
        packages,
        ..Medium::default()
    };
    plan(
        &profile,
        "office.toml",
        vec![medium],
        Vec::new(),
        Host {
            inventory: &inventory,
            subject: &Named(host),
        },
    )
}

fn names(plan: &Plan) -> String {
    plan.step
        .urpm
        .names(crate::urpm::Marks::is_selected)
        .join(" ")
}

#[test]
fn by_levels_the_first_that_does_not_fit_ends_it() {
    let plan = planned("levels", "desk", "snd_hda");
    assert_eq!(names(&plan), "core locales-fr mail-b ssh writer");
    for (name, line) in [
        (
            "mail-b",
            "office.toml:17 → Desk|Writing → rate 5 → writer → requires mail → mail-b",
        ),
        ("ssh", "default package → ssh"),
        (
            "huge",
            "huge: office.toml:22 → cut at rate 5: it was the first that did not fit",
        ),
        (
            "sound",
            "sound: office.toml:26 → cut at rate 5: huge was the first that did not fit",
        ),
        (
            "kiosk",
            "kiosk: office.toml:31 → `HOST \"name:kiosk*\"` does not hold",
        ),
        ("games", "games: on the skip list"),
    ] {
        assert_eq!(plan.why(name), line);
    }
    assert_eq!(plan.problems.len(), 1, "{:?}", plan.problems);
}

#[test]
fn best_fit_uses_the_room() {
    let plan = planned("best-fit", "kiosk7", "snd_hda");
    assert_eq!(
        names(&plan),
        "core kiosk locales-fr mail-b sound ssh writer"
    );
    let Outcome::BestFit { value, bound, .. } = plan.outcome else {
        panic!("a best fit")
    };
    assert_eq!((value, bound), (12_000.0, 12_000.0));
}

#[test]
fn facts_decide() {
    assert!(!names(&planned("best-fit", "desk", "")).contains("sound"));
}
