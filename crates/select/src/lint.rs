//! Everything that is wrong or doubtful in a set of rules, all of it at once: what the readers found, packages that do
//! not exist, and rules that can never be true.

use std::collections::{BTreeMap, BTreeSet};

use escadre_catalog::{Package, synthesis};
use escadre_model::{
    Problem,
    problem::Severity::{Error, Warning},
};

use crate::{
    compss::{self, Circumstances, Group},
    condition::Test,
    locale, pattern, product,
    rpmsrate::{self, Rated},
};

/// A file and its content.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Name, for the problems.
    pub file: &'a str,
    /// Content, decompressed.
    pub content: &'a [u8],
}

impl Source<'_> {
    fn text(&self) -> String {
        String::from_utf8_lossy(self.content).into_owned()
    }
}

/// Machine types that some version knew.
const TYPES: [&str; 9] = [
    "laptop",
    "64bit",
    "wireless",
    "touchpad",
    "numpad",
    "hyperv",
    "qemu",
    "virtualbox",
    "vmware",
];

/// Words that a machine, a device or the file itself can set.
const WORDS: [&str; 28] = [
    "SOUND",
    "TV",
    "RADIO",
    "PHOTO",
    "SCANNER",
    "WEBCAM",
    "DVB",
    "GAMEPORT",
    "USB_SOUND",
    "FIREWIRE",
    "UTF8",
    "BURNER",
    "DVD",
    "USB",
    "PCMCIA",
    "HIGH_SECURITY",
    "BIGMEM",
    "SMP",
    "LIGHT",
    "3D",
    "CDCOM",
    "TRUE",
    "INSTALL",
    "NOCOPY",
    "PRINTER",
    "LIVE",
    "CONFIG",
    "MOVE",
];

/// Checks a rate file, the groups that go with it, and the packages that both speak of. Sorted by file and line.
pub fn lint(rates: Source<'_>, groups: Option<Source<'_>>, media: &[Source<'_>]) -> Vec<Problem> {
    let (file, _) = rpmsrate::parse(rates.file, &rates.text());
    let mut problems = file.problems.clone();
    let (all_groups, group_problems) = groups.map(every_group).unwrap_or_default();
    problems.extend(group_problems);
    let mut packages: Vec<Package> = Vec::new();
    for medium in media {
        let read = synthesis::parse(medium.file, medium.content);
        problems.extend(read.problems);
        packages.extend(read.packages);
    }
    let known = Known::new(&all_groups, groups.is_some(), &packages);
    for (name, rated) in &file.packages {
        known.check(rates.file, name, rated, !media.is_empty(), &mut problems);
    }
    if let Some(source) = groups {
        let used: BTreeSet<&str> = file
            .packages
            .values()
            .flat_map(|rated| &rated.flags)
            .flat_map(|flag| flag.split("||"))
            .collect();
        problems.extend(idle_groups(source.file, &all_groups, &used, &known));
    }
    problems.sort_by(|a, b| {
        (&a.file, a.line, &a.code, &a.message).cmp(&(&b.file, b.line, &b.code, &b.message))
    });
    problems.dedup();
    problems
}

/// The groups of every edition and kind of machine.
fn every_group(source: Source<'_>) -> (Vec<Group>, Vec<Problem>) {
    let text = source.text();
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let mut problems = Vec::new();
    for class in product::CLASSES {
        for machine in 0..4_u8 {
            let about = Circumstances {
                meta_class: class.to_owned(),
                low_resources: machine & 1 == 1,
                netbook: machine & 2 == 2,
            };
            let read = compss::parse(source.file, &text, &about);
            for group in read.groups.into_iter().flatten() {
                let all = groups.entry(group.id()).or_insert_with(|| group.clone());
                let more: Vec<String> = group
                    .flags
                    .into_iter()
                    .filter(|flag| !all.flags.contains(flag))
                    .collect();
                all.flags.extend(more);
            }
            problems.extend(read.problems);
        }
    }
    (groups.into_values().collect(), problems)
}

/// Groups that bring nothing, and required packages that do not exist.
fn idle_groups(file: &str, groups: &[Group], used: &BTreeSet<&str>, known: &Known) -> Vec<Problem> {
    let mut problems = Vec::new();
    for group in groups {
        if !group
            .category_flags()
            .any(|flag| used.contains(flag.as_str()))
        {
            let message = format!("no package has a flag of the group `{}`", group.id());
            problems.push(Problem::new(Warning, file, 0, "compss.idle-group", message));
        }
        let missing = group
            .required
            .iter()
            .filter(|name| !known.packages.is_empty() && !known.packages.contains(*name));
        for name in missing {
            let message = format!(
                "the group `{}` requires the package `{name}`, which does not exist",
                group.id()
            );
            problems.push(Problem::new(
                Warning,
                file,
                0,
                "compss.unknown-package",
                message,
            ));
        }
    }
    problems
}

/// Why the pieces of a quoted text with `||` are never set.
const CUT: &str = "it is cut at `||` inside quotes";

/// What can be true at all.
struct Known {
    categories: Option<BTreeSet<String>>,
    packages: BTreeSet<String>,
    languages: BTreeSet<String>,
}

/// Why an item can never be true.
type Never = (&'static str, String);

impl Known {
    fn new(groups: &[Group], has_groups: bool, packages: &[Package]) -> Self {
        let mut categories: BTreeSet<String> =
            groups.iter().flat_map(Group::category_flags).collect();
        categories.extend(["CAT_SYSTEM".to_owned(), "CAT_MINIMAL_DOCS".to_owned()]);
        let packages: BTreeSet<String> = packages
            .iter()
            .map(|package| package.name.clone())
            .collect();
        let locales = packages
            .iter()
            .filter_map(|name| name.strip_prefix("locales-"))
            .map(str::to_owned);
        let mut languages: BTreeSet<String> =
            locale::codes().flat_map(locale::language_list).collect();
        languages.extend(locales);
        Self {
            categories: has_groups.then_some(categories),
            packages,
            languages,
        }
    }

    fn check(
        &self,
        file: &str,
        name: &str,
        rated: &Rated,
        has_media: bool,
        problems: &mut Vec<Problem>,
    ) {
        let line = rated.lines.last().copied().unwrap_or_default();
        let mut add = |code: &str, message: String| {
            problems.push(Problem::new(Warning, file, line, code, message))
        };
        if has_media && !self.packages.contains(name) {
            add(
                "rpmsrate.unknown-package",
                format!("unknown package `{name}`"),
            );
        }
        if !(1..=5).contains(&rated.rate) {
            add(
                "rpmsrate.never-selected",
                format!(
                    "`{name}` has the rate {}, which is never selected",
                    rated.rate
                ),
            );
        }
        for flag in &rated.flags {
            for (code, message) in self.check_flag(name, flag, rated) {
                add(code, message);
            }
        }
    }

    /// What is wrong with one flag of a package.
    fn check_flag(&self, name: &str, flag: &str, rated: &Rated) -> Vec<Never> {
        let nevers: Vec<Option<Never>> = flag.split("||").map(|item| self.never(item)).collect();
        let plain = flag.split("||").all(|item| !Test::of(item).0);
        let never_true = plain && nevers.iter().all(Option::is_some);
        let mut found: Vec<Never> = nevers
            .into_iter()
            .flatten()
            .map(|(code, why)| (code, format!("`{name}`: {why}")))
            .collect();
        // A flag that is cut inside its quotes gives as many pieces; one of them is enough.
        let mut cut = false;
        found.retain(|(_, why)| !why.ends_with(CUT) || !std::mem::replace(&mut cut, true));
        let mut never = |why: String| {
            found.push((
                "rpmsrate.never-true",
                format!("`{name}` can never be selected: {why}"),
            ));
        };
        if never_true {
            never(format!("`{flag}` is never true"));
        }
        let opposite = format!("!{flag}");
        if !flag.contains("||") && rated.flags.iter().any(|other| **other == *opposite) {
            never(format!("it wants both `{flag}` and `{opposite}`"));
        }
        found
    }

    /// Why an item is never true (or, negated, always).
    fn never(&self, item: &str) -> Option<Never> {
        let (_, test) = Test::of(item);
        match test {
            Test::Category => {
                let flag = item.trim_start_matches('!');
                let unknown = self
                    .categories
                    .as_ref()
                    .is_some_and(|known| !known.contains(flag));
                unknown.then(|| ("rpmsrate.no-group", format!("no group sets `{flag}`")))
            }
            Test::Hardware(text) | Test::Driver(text) => {
                let error = pattern::compile(text).err()?;
                Some((
                    "rpmsrate.pattern",
                    format!("pattern `{text}` cannot be read and matches nothing: {error}"),
                ))
            }
            Test::Type(kind) => (!TYPES.contains(&kind)).then(|| {
                (
                    "rpmsrate.unknown-type",
                    format!("no machine is of the type `{kind}`"),
                )
            }),
            Test::HardwareCategory(category) => (!category.contains('/')).then(|| {
                (
                    "rpmsrate.unknown-category",
                    format!("`{category}` is no category of drivers"),
                )
            }),
            Test::Flag(flag) => self.never_flag(flag),
        }
    }

    fn never_flag(&self, flag: &str) -> Option<Never> {
        let value = |word: &str| {
            flag.strip_prefix(word)?
                .strip_prefix('"')?
                .strip_suffix('"')
        };
        if let Some(language) = value("LOCALES") {
            return (!self.languages.contains(language)).then(|| {
                (
                    "rpmsrate.unknown-language",
                    format!("no language sets `{flag}`"),
                )
            });
        }
        if let Some(class) = value("META_CLASS") {
            let unknown = !product::CLASSES.contains(&class);
            return unknown.then(|| {
                (
                    "rpmsrate.unknown-class",
                    format!("`{class}` is no class of an edition"),
                )
            });
        }
        if value("CHARSET").is_some() || WORDS.contains(&flag) {
            return None;
        }
        let blank = flag.starts_with(' ') || flag.ends_with(' ');
        let why = if blank {
            CUT
        } else {
            "nothing is known to set it"
        };
        Some((
            "rpmsrate.unknown-flag",
            format!("`{flag}` is never set: {why}"),
        ))
    }
}

/// Whether a list of problems has one that makes the rules unusable.
pub fn is_fatal(problems: &[Problem]) -> bool {
    problems.iter().any(|problem| problem.severity == Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: &str = "CAT_X\n  5 META_CLASS\"deskt:p\" a\n  5 LOCALES\"am || LOCALES\"as\" || LOCALES\"bn\" b\n\
                         CAT_KDE\n  5 HW\"(x\" || CAT_X c\n  0 d\n  4 CAT GNOME e\n  5 !CAT_KDE f\n  3 HDF\n  5 TYPE\"toaster\" g nowhere\n\
                         CAT_NOBODY\n  5 h\n";
    const GROUPS: &str = "my $h = { N_(\"Desk\") => [ { label => N_(\"KDE\"), flags => [ qw(KDE X) ] },\n\
                          { label => N_(\"Idle\"), flags => [ qw(IDLE) ], required => [ 'missing' ] } ] };";

    fn media() -> String {
        ["a", "b", "c", "d", "e", "f", "g", "h"]
            .iter()
            .map(|name| format!("@provides@{name}[== 1-1]\n@info@{name}-1-1.noarch@0@1@G\n"))
            .collect()
    }

    #[test]
    fn everything_at_once() {
        let media = media();
        let source = |file, text: &'static str| Source {
            file,
            content: text.as_bytes(),
        };
        let problems = lint(
            source("rpmsrate", RATES),
            Some(source("c.pl", GROUPS)),
            &[Source {
                file: "s",
                content: media.as_bytes(),
            }],
        );
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn good_rules_are_quiet() {
        let rates = Source {
            file: "r",
            content: b"CAT_SYSTEM\n  5 a\n  4 LOCALES\"fr\" SOUND !HW_CAT\"bus/usb\" b\n",
        };
        let media = media();
        assert_eq!(
            lint(
                rates,
                None,
                &[Source {
                    file: "s",
                    content: media.as_bytes()
                }]
            ),
            []
        );
    }
}
