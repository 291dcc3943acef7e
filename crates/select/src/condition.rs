//! Conditions of a rated package: what is settled at reading, and what the groups decide (the DrakX reference §3).
//!
//! At reading, items about the machine, the language and the edition become true or false; items `CAT_x` and `!CAT_x`
//! stay for the selection.
//!
//! Absent on purpose: where the facts of a machine come from ([`crate::machine`], [`crate::facts`]).

use std::{collections::BTreeMap, fmt, sync::Arc};

use regex::Regex;

use crate::{
    flags::Flags,
    machine::Machine,
    pattern::{self, PatternError},
};

/// An item of an or-list that the groups decide.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// True when the flag must not be set.
    pub negated: bool,
    /// The flag.
    pub flag: Arc<str>,
}

/// A flag of a package after reading: it holds if one of its items does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clause(pub Vec<Item>);

impl Clause {
    /// The clause of one word: `TRUE`, `FALSE`, `CAT_X`, `!CAT_X||CAT_Y`.
    pub fn parse(text: &str) -> Self {
        let items = text.split("||").map(|item| match item.strip_prefix('!') {
            Some(flag) => Item {
                negated: true,
                flag: flag.into(),
            },
            None => Item {
                negated: false,
                flag: item.into(),
            },
        });
        Self(items.collect())
    }

    /// Whether it holds with these flags set. `TRUE` is set by whoever runs a selection; `FALSE` never is.
    pub fn holds(&self, flags: &Flags) -> bool {
        self.0
            .iter()
            .any(|item| flags.is_set(&item.flag) != item.negated)
    }

    /// Whether an item that is not negated is one of these flags.
    pub fn touches(&self, flags: &[String]) -> bool {
        self.0
            .iter()
            .any(|item| !item.negated && flags.iter().any(|flag| **flag == *item.flag))
    }

    /// Whether this is the clause that never holds.
    pub fn is_false(&self) -> bool {
        matches!(self.0.as_slice(), [item] if !item.negated && &*item.flag == "FALSE")
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.negated { "!" } else { "" }, self.flag)
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            write!(f, "{}{item}", if index > 0 { "||" } else { "" })?;
        }
        Ok(())
    }
}

/// What an item of the rate file asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test<'a> {
    /// `CAT_X`: the groups decide.
    Category,
    /// `HW"re"`: the description of some device.
    Hardware(&'a str),
    /// `DRIVER"re"`: the driver text of some device.
    Driver(&'a str),
    /// `TYPE"x"`: the kind of machine.
    Type(&'a str),
    /// `HW_CAT"a/b"`: the category of some device's driver.
    HardwareCategory(&'a str),
    /// Anything else: that exact text is a set flag.
    Flag(&'a str),
}

impl<'a> Test<'a> {
    /// Splits an item of an or-list: whether it is negated, and what it asks.
    pub fn of(item: &'a str) -> (bool, Self) {
        let (negated, text) = match item.strip_prefix('!') {
            Some(text) => (true, text),
            None => (false, item),
        };
        if text.starts_with("CAT_") {
            return (negated, Self::Category);
        }
        let quoted = |word: &str| {
            let open = text.strip_prefix(word)?.strip_prefix('"')?;
            open.rfind('"').map(|close| &open[..close])
        };
        let test = if let Some(pattern) = quoted("HW") {
            Self::Hardware(pattern)
        } else if let Some(pattern) = quoted("DRIVER") {
            Self::Driver(pattern)
        } else if let Some(kind) = quoted("TYPE") {
            Self::Type(kind)
        } else if let Some(category) = quoted("HW_CAT") {
            Self::HardwareCategory(category)
        } else {
            Self::Flag(text)
        };
        (negated, test)
    }
}

/// Settles the flags of rated packages for one machine; remembers what it has answered, since rules repeat.
pub struct Settler<'a> {
    machine: &'a Machine,
    flags: &'a Flags,
    matches: BTreeMap<(bool, String), Result<bool, PatternError>>,
}

impl<'a> Settler<'a> {
    /// For this machine, with these flags set (edition, language, devices; imposed ones too).
    pub fn new(machine: &'a Machine, flags: &'a Flags) -> Self {
        Self {
            machine,
            flags,
            matches: BTreeMap::new(),
        }
    }

    /// What is left of the flags of a package. One that is false makes the whole package `FALSE`.
    pub fn settle(&mut self, flags: &[Arc<str>]) -> Vec<Clause> {
        let clauses: Vec<Clause> = flags.iter().map(|flag| self.settle_flag(flag)).collect();
        if clauses.iter().any(Clause::is_false) {
            vec![Clause::parse("FALSE")]
        } else {
            clauses
        }
    }

    /// What is left of one flag. The split at `||` goes through quotes too, as it did.
    pub fn settle_flag(&mut self, flag: &str) -> Clause {
        let mut left = Vec::new();
        let mut settled = false;
        for item in flag.split("||") {
            match Test::of(item) {
                (negated, Test::Category) => left.push(Item {
                    negated,
                    flag: item.strip_prefix('!').unwrap_or(item).into(),
                }),
                (negated, test) => settled = settled || self.is_true(negated, test),
            }
        }
        match (settled, left.is_empty()) {
            (true, _) => Clause::parse("TRUE"),
            (false, true) => Clause::parse("FALSE"),
            (false, false) => Clause(left),
        }
    }

    /// Whether an item about the machine holds. Live images take all hardware, even with `!`.
    fn is_true(&mut self, negated: bool, test: Test<'_>) -> bool {
        let machine = self.machine;
        let found = match test {
            Test::Flag(flag) => return self.flags.is_set(flag) != negated,
            _ if machine.match_all_hardware => return true,
            Test::Hardware(pattern) => self.matches(false, pattern),
            Test::Driver(pattern) => self.matches(true, pattern),
            Test::Type(kind) => machine.types.contains(kind),
            Test::HardwareCategory(category) => machine.has_category(category),
            Test::Category => false,
        };
        found != negated
    }

    fn matches(&mut self, driver: bool, pattern: &str) -> bool {
        let machine = self.machine;
        let answer = self
            .matches
            .entry((driver, pattern.to_owned()))
            .or_insert_with(|| {
                let regex = pattern::compile(pattern)?;
                Ok(machine
                    .devices
                    .iter()
                    .any(|device| is_match(&regex, driver, device)))
            });
        matches!(answer, Ok(true))
    }

    /// Patterns that could not be read; they match nothing.
    pub fn bad_patterns(&self) -> impl Iterator<Item = (&str, &PatternError)> {
        self.matches
            .iter()
            .filter_map(|((_, pattern), answer)| Some((pattern.as_str(), answer.as_ref().err()?)))
    }
}

fn is_match(regex: &Regex, driver: bool, device: &crate::machine::DeviceText) -> bool {
    regex.is_match(if driver {
        &device.driver
    } else {
        &device.description
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        let mut machine = Machine::default();
        machine.devices.push(crate::machine::DeviceText {
            driver: "my_slusb_x".to_owned(),
            description: "Intel|HDA".to_owned(),
        });
        machine.types.insert("laptop".to_owned());
        machine.categories.insert("bus/bluetooth".to_owned());
        machine
    }

    fn check(machine: &Machine, flag: &str, expected: &str) {
        let flags: Flags = ["SOUND", "LOCALES\"as\""].into_iter().collect();
        let mut settler = Settler::new(machine, &flags);
        assert_eq!(settler.settle_flag(flag).to_string(), expected, "{flag}");
    }

    #[test]
    fn settled_at_reading() {
        let machine = machine();
        for (flag, expected) in [
            ("DRIVER\"slamr|slusb\"", "TRUE"),
            ("DRIVER\"SLUSB\"", "TRUE"),
            ("DRIVER\"^slusb\"", "FALSE"),
            ("!HW\"hda\"", "FALSE"),
            ("!HW\"Riva.*128\"", "TRUE"),
            ("HW\"intel\\|hda\"", "TRUE"),
            ("TYPE\"laptop\"", "TRUE"),
            ("!TYPE\"laptop\"", "FALSE"),
            ("SOUND", "TRUE"),
            ("!SOUND||CAT_X", "CAT_X"),
            ("CAT_KDE||HW_CAT\"bus/bluetooth\"", "TRUE"),
            ("CAT_KDE||HW_CAT\"input/joystick\"", "CAT_KDE"),
            ("!CAT_KDE||CAT_GNOME", "!CAT_KDE||CAT_GNOME"),
            ("LOCALES\"am || LOCALES\"as\" || LOCALES\"bn\"", "FALSE"),
            ("HW\"(unclosed\"", "FALSE"),
        ] {
            check(&machine, flag, expected);
        }
        let all = Machine {
            match_all_hardware: true,
            ..Machine::default()
        };
        for (flag, expected) in [
            ("!TYPE\"laptop\"", "TRUE"),
            ("TYPE\"laptop\"", "TRUE"),
            ("TV", "FALSE"),
        ] {
            check(&all, flag, expected);
        }
    }

    #[test]
    fn decided_by_groups() {
        let flags: Flags = ["CAT_X", "TRUE"].into_iter().collect();
        for (clause, holds) in [
            ("CAT_X", true),
            ("!CAT_X", false),
            ("CAT_Y", false),
            ("!CAT_X||!CAT_Y", true),
            ("TRUE", true),
            ("FALSE", false),
        ] {
            assert_eq!(Clause::parse(clause).holds(&flags), holds, "{clause}");
        }
    }
}
