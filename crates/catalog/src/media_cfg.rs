//! `media.cfg`: the list of media of a Mandriva tree (the DrakX reference §1.2).
//!
//! Media keep file order, because packages are numbered across media in that order.

use std::collections::BTreeMap;

use escadre_model::{Problem, problem::Severity::Warning};

/// What `media.cfg` says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct MediaCfg {
    /// Values of `[media_info]`: `version`, `branch`, `arch`, `suppl`, `askmedia`, `mediacfg_version`, ….
    pub info: BTreeMap<String, String>,
    /// Media in file order.
    pub media: Vec<Medium>,
    /// What was not understood.
    pub problems: Vec<Problem>,
}

/// One medium.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Medium {
    /// Its directory, which is its section's name.
    pub directory: String,
    /// File of packages in `media_info/`.
    pub hdlist: String,
    /// Name for people, without quotes; the directory where there is none.
    pub name: String,
    /// Size in megabytes, when given.
    pub size_mb: Option<u64>,
    /// Not selected by default.
    pub noauto: bool,
    /// It brings updates for the medium of this name.
    pub updates_for: Option<String>,
    /// It brings debug packages for the medium of this name.
    pub debug_for: Option<String>,
    /// Where the packages lie, if not in the directory.
    pub rpms: Option<String>,
    /// All other keys.
    pub other: BTreeMap<String, String>,
}

impl Medium {
    /// The synthesis that belongs to the `hdlist`: `hdlist_main.cz` → `synthesis.hdlist_main.cz`.
    pub fn synthesis_file(&self) -> String {
        if self.hdlist.starts_with("synthesis.") {
            self.hdlist.clone()
        } else {
            format!("synthesis.{}", self.hdlist)
        }
    }

    fn set(&mut self, key: &str, value: &str) {
        match key {
            "hdlist" => self.hdlist = value.to_owned(),
            "name" => self.name = value.to_owned(),
            "size" => self.size_mb = megabytes(value),
            "noauto" => self.noauto = value == "1",
            "updates_for" => self.updates_for = Some(value.to_owned()),
            "debug_for" => self.debug_for = Some(value.to_owned()),
            "rpms" => self.rpms = Some(value.to_owned()),
            _ => {
                self.other.insert(key.to_owned(), value.to_owned());
            }
        }
    }
}

/// Reads `media.cfg`. `file` is only for the problems.
pub fn parse(file: &str, text: &str) -> MediaCfg {
    let mut result = MediaCfg::default();
    let mut in_info = false;
    for (index, line) in text.lines().enumerate() {
        let line_number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(section) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            in_info = section == "media_info";
            if !in_info {
                let directory = section.trim().to_owned();
                result.media.push(Medium {
                    name: directory.clone(),
                    directory,
                    ..Medium::default()
                });
            }
            continue;
        }
        let place =
            |message: &str| Problem::new(Warning, file, line_number, "media-cfg.line", message);
        let Some((key, value)) = line.split_once('=') else {
            result
                .problems
                .push(place("neither a [section] nor key=value"));
            continue;
        };
        let (key, value) = (key.trim(), unquoted(value.trim()));
        match result.media.last_mut() {
            _ if in_info => {
                result.info.insert(key.to_owned(), value.to_owned());
            }
            Some(medium) => medium.set(key, value),
            None => result
                .problems
                .push(place("a value before the first [section]")),
        }
    }
    result
}

fn unquoted(value: &str) -> &str {
    value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(value)
}

/// `123MB`, `123m`: the digits before M.
fn megabytes(value: &str) -> Option<u64> {
    let digits = value.len() - value.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let unit = value[digits..].trim_start();
    if unit.starts_with(['M', 'm']) {
        value[..digits].parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_of_two_media() {
        let read = parse(
            "media.cfg",
            "[media_info]\nversion=2010.0\narch=i586\nsuppl=1\n\n[main]\nhdlist=hdlist_main.cz\nname=\"Main\"\nsize=1234MB\n\
             [media/updates]\nhdlist=hdlist_up.cz\nupdates_for=Main\nnoauto=1\nsize=12\nkey=v\nrubbish\n",
        );
        assert_eq!(read.info["version"], "2010.0");
        let [main, updates] = read.media.as_slice() else {
            panic!("two media")
        };
        assert_eq!(
            (main.name.as_str(), main.size_mb, main.noauto),
            ("Main", Some(1234), false)
        );
        assert_eq!(main.synthesis_file(), "synthesis.hdlist_main.cz");
        assert_eq!(
            (updates.name.as_str(), updates.size_mb, updates.noauto),
            ("media/updates", None, true)
        );
        assert_eq!(updates.updates_for.as_deref(), Some("Main"));
        assert_eq!(updates.other["key"], "v");
        assert_eq!(read.problems[0].line, 16);
    }

    #[test]
    fn a_value_before_any_section() {
        let read = parse("m", "hdlist=x\n");
        assert_eq!(
            read.problems[0].to_string(),
            "m:1: warning: a value before the first [section] [media-cfg.line]"
        );
    }
}
