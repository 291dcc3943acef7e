//! The group file (`compssUsers.pl`): what a person ticks, and the `CAT_` flags behind it (the DrakX reference §4.1).
//!
//! Read, never run. Paths are sorted by name (the original's order was not defined); groups of a path keep the file's.

use escadre_model::{
    Problem,
    problem::Severity::{Error, Warning},
};
use serde::{Deserialize, Serialize};

use crate::perl::{self, Names, Value};

/// A group that can be ticked.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Group {
    /// Heading it stands under (`Workstation`).
    pub path: String,
    /// Its name under that heading.
    pub label: String,
    /// A sentence for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Flags that ticking it sets, without `CAT_`.
    pub flags: Vec<String>,
    /// Ticked from the start.
    pub default: bool,
    /// Later versions hide the group unless one of these packages is on the media.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
}

impl Group {
    /// Identity of a group: `path|label`.
    pub fn id(&self) -> String {
        format!("{}|{}", self.path, self.label)
    }

    /// The flags that ticking it sets.
    pub fn category_flags(&self) -> impl Iterator<Item = String> + '_ {
        self.flags.iter().map(|flag| format!("CAT_{flag}"))
    }
}

/// What the conditions of a group file ask about the machine and the edition.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Circumstances {
    /// Edition.
    pub meta_class: String,
    /// Little memory or a slow processor.
    pub low_resources: bool,
    /// A netbook or nettop.
    pub netbook: bool,
}

/// The groups of a file.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct GroupFile {
    /// Groups; nothing if the file is not valid, which ends an installation.
    pub groups: Option<Vec<Group>>,
    /// Line that the original logged.
    pub log: String,
    /// What is wrong or doubtful.
    pub problems: Vec<Problem>,
}

struct Installer<'a>(&'a Circumstances);

impl Names for Installer<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        let about = self.0;
        Some(match name {
            "detect_devices::has_low_resources" => Value::truth(about.low_resources),
            "detect_devices::is_netbook_nettop" => Value::truth(about.netbook),
            "detect_devices::need_light_desktop" => {
                Value::truth(about.low_resources || about.netbook)
            }
            "::o.meta_class" | "o.meta_class" | "meta_class" => {
                Value::Text(about.meta_class.clone())
            }
            _ => return None,
        })
    }

    fn is_last(&self, _: &str, value: &Value) -> bool {
        groups_of(value).is_some()
    }
}

/// Reads a group file for a machine and an edition.
pub fn parse(file: &str, text: &str, circumstances: &Circumstances) -> GroupFile {
    let bad = |line: u32, message: String| GroupFile {
        groups: None,
        log: format!("ERROR: bad {file}: {message}"),
        problems: vec![Problem::new(Error, file, line, "compss.syntax", message)],
    };
    let document = match perl::read(text, &Installer(circumstances)) {
        Ok(document) => document,
        Err(error) => return bad(error.line, error.message),
    };
    let unknown = document.unknown.iter().map(|unknown| {
        let message = format!("`{}` is not known and counts as false", unknown.name);
        Problem::new(Warning, file, unknown.line, "compss.unknown-name", message)
    });
    let problems = unknown.collect();
    match document
        .assignments
        .last()
        .and_then(|(_, value)| groups_of(value))
    {
        Some(groups) => GroupFile {
            log: log(&groups),
            groups: Some(groups),
            problems,
        },
        None => bad(0, "no groups in the file".to_owned()),
    }
}

/// The line that is logged for groups.
pub fn log(groups: &[Group]) -> String {
    format!("compssUsers.pl got: {}", quoted(groups))
}

/// Groups as the log names them: `"Path|Label", "Path|Label"`.
pub fn quoted<'a>(groups: impl IntoIterator<Item = &'a Group>) -> String {
    let names = groups
        .into_iter()
        .map(|group| format!("\"{}\"", group.id()));
    names.collect::<Vec<_>>().join(", ")
}

fn groups_of(value: &Value) -> Option<Vec<Group>> {
    let Value::Map(paths) = value else {
        return None;
    };
    let mut sorted: Vec<&str> = paths.iter().map(|(path, _)| path.as_str()).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let mut groups = Vec::new();
    for path in sorted {
        let Some(Value::List(entries)) = value.get(path) else {
            return None;
        };
        groups.extend(entries.iter().filter_map(|entry| group_of(path, entry)));
    }
    (!groups.is_empty()).then_some(groups)
}

fn group_of(path: &str, entry: &Value) -> Option<Group> {
    let text = |key: &str| entry.get(key).and_then(Value::text).map(str::to_owned);
    let texts = |key: &str| entry.get(key).map(Value::texts).unwrap_or_default();
    Some(Group {
        path: path.to_owned(),
        label: text("label")?,
        description: text("descr").unwrap_or_default(),
        flags: texts("flags"),
        default: entry.get("default_selected").is_some_and(Value::is_true),
        required: texts("required"),
    })
}

/// The old flat text form, written for other tools: groups in list order, packages in media order.
///
/// `packages` gives rate, name and conditions of those that have a rate.
pub fn flat<'a>(
    groups: &[Group],
    packages: impl Iterator<Item = (u8, &'a str, &'a [crate::condition::Clause])> + Clone,
) -> String {
    let mut text = String::new();
    for group in groups {
        text.extend([
            group.label.as_str(),
            " [icon=xxx] [path=",
            group.path.as_str(),
            "]\n",
        ]);
        let flags: Vec<String> = group.category_flags().collect();
        for (rate, name, clauses) in packages.clone() {
            if rate > 0 && clauses.iter().any(|clause| clause.touches(&flags)) {
                text.extend(["\t", rate.to_string().as_str(), " ", name, "\n"]);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
package tmp::compssUsers;
use common;
my $light_desktop = detect_devices::need_light_desktop();
my $meta_class = $::o->{meta_class};
my $server = $meta_class eq 'server';
my $strange = detect_devices::is_a_toaster();
my $h = {
if_(!$server,
N_("Workstation") =>
[
  { label => N_("Office"), descr => N_("Write letters,
and more"),
    flags => [ qw(OFFICE), if_(!$light_desktop, qw(PUBLISHING)) ],
    default_selected => 1 },
  $server ? ( { label => "S" } ) : ( { label => N_("Games"), flags => [ 'GAMES' ], required => [ 'a', 'b' ] },
    { label => N_("Off"), flags => [ qw(OFF) ], default_selected => $server } ),
],
),
N_("Server") => [ { default_selected => $server || $light_desktop, flags => [ qw(WWW) ], label => N_("Web") } ],
};
for my $path (sort keys %$h) { $_ =~ m/'/ }
"#;

    fn shown(class: &str, netbook: bool) -> String {
        let circumstances = Circumstances {
            meta_class: class.to_owned(),
            netbook,
            low_resources: false,
        };
        let read = parse("compssUsers.pl", TEXT, &circumstances);
        let lines = read.groups.iter().flatten().map(|group| {
            format!(
                "{} {} {}",
                group.id(),
                group.flags.join(","),
                u8::from(group.default)
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn conditions() {
        assert_eq!(
            shown("download", false),
            "Server|Web WWW 0\nWorkstation|Office OFFICE,PUBLISHING 1\nWorkstation|Games GAMES 0\nWorkstation|Off OFF 0"
        );
        assert_eq!(
            shown("download", true),
            "Server|Web WWW 1\nWorkstation|Office OFFICE 1\nWorkstation|Games GAMES 0\nWorkstation|Off OFF 0"
        );
        assert_eq!(shown("server", false), "Server|Web WWW 1");
    }

    #[test]
    fn unknown_names_and_bad_files_are_reported() {
        let about = Circumstances::default();
        let read = parse("c.pl", TEXT, &about);
        assert_eq!(
            read.problems[0].to_string(),
            "c.pl:7: warning: `detect_devices::is_a_toaster` is not known and counts as false [compss.unknown-name]"
        );
        let read = parse("c.pl", "my $h = { N_(\"A\") => [ { label ;", &about);
        assert_eq!(
            (read.groups, read.log.as_str()),
            (None, "ERROR: bad c.pl: unexpected `;`")
        );
        assert_eq!(parse("c.pl", "", &about).groups, None);
    }
}
