//! A selection on a floppy: the list of packages that is loaded and saved in individual selection (the DrakX
//! reference §9.1). Same form as the files of automatic installations: a Perl assignment, read without Perl.

use std::collections::BTreeMap;

use crate::{
    perl::{self, Names, Value},
    urpm::{PackageId, Urpm},
};

/// The name that is suggested for a list.
pub const FILE_NAME: &str = "package_list.pl";

const HEAD: &str = "# You should always check the syntax with 'perl -cw auto_inst.cfg.pl'\n\
                    # before testing.  To use it, boot with ``linux defcfg=floppy''\n";

/// A file that is no package list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PackageListError(String);

struct NoNames;

impl Names for NoNames {
    fn value(&self, _: &str) -> Option<Value> {
        None
    }

    fn is_last(&self, _: &str, _: &Value) -> bool {
        false
    }
}

/// Reads the names of a list; a file without any is an empty list.
pub fn parse(text: &str) -> Result<Vec<String>, PackageListError> {
    let document =
        perl::read(text, &NoNames).map_err(|error| PackageListError(error.to_string()))?;
    let list = document
        .assignments
        .iter()
        .rev()
        .find(|(name, _)| name == "o")
        .and_then(|(_, value)| value.get("default_packages"));
    Ok(list.map(Value::texts).unwrap_or_default())
}

/// Writes a list; runs of eight blanks become tabulations.
pub fn write(names: &[String]) -> String {
    let key = "'default_packages' => ";
    let items = names.iter().map(|name| {
        let quoted = name.replace('\\', "\\\\").replace('\'', "\\'");
        format!("{:31}'{quoted}'", "")
    });
    let items = items.collect::<Vec<_>>().join(",\n");
    let list = if names.is_empty() {
        "[]".to_owned()
    } else {
        format!("[\n{items}\n{:29}]", "")
    };
    let body = format!("$o = {{\n{:7}{key}{list}\n{:5}}};\n", "", "");
    format!("{HEAD}{}", body.replace("        ", "\t"))
}

/// The leaves of a selection: packages that were asked for (or are installed), in media order, without those that
/// another one needs and that alone provide what it needs. Of a pair that need each other one stays.
pub fn leaves(urpm: &Urpm) -> Vec<String> {
    let universe = urpm.universe();
    let marked = |id: &PackageId| {
        let marks = urpm.marks(*id);
        marks.requested || marks.installed
    };
    let listed: Vec<PackageId> = universe.ids().filter(marked).collect();
    let mut needed_by: BTreeMap<PackageId, PackageId> = BTreeMap::new();
    for &id in &listed {
        for property in &universe.package(id).requires {
            let [sole] = universe.providers(&property.name) else {
                continue;
            };
            if *sole != needed_by.get(&id).copied().unwrap_or(id) {
                needed_by.insert(*sole, id);
            }
        }
    }
    let leaves = listed.iter().filter(|id| !needed_by.contains_key(id));
    leaves
        .map(|id| universe.package(*id).name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read_again() {
        let names = ["basesystem".to_owned(), "mutt".to_owned()];
        let text = write(&names);
        assert_eq!(
            text,
            "# You should always check the syntax with 'perl -cw auto_inst.cfg.pl'\n\
             # before testing.  To use it, boot with ``linux defcfg=floppy''\n\
             $o = {\n       'default_packages' => [\n\t\t\t       'basesystem',\n\t\t\t       'mutt'\n\t\t\t     ]\n     };\n"
        );
        assert_eq!(parse(&text), Ok(names.to_vec()));
        assert_eq!(parse(&write(&[])), Ok(Vec::new()));
    }

    #[test]
    fn bad_files() {
        assert!(parse("this is not { perl").is_err());
        assert!(parse("$o = {").is_err());
        assert_eq!(parse(""), Ok(Vec::new()));
    }
}
