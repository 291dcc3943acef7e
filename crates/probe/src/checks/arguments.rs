//! Arguments of a built-in check: `key=value`, each known, each at most once of use.

use std::collections::BTreeMap;

use escadre_watch::threshold::{Range, Thresholds};

/// The arguments that have not been asked for yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arguments {
    values: BTreeMap<String, String>,
    known: Vec<&'static str>,
}

impl Arguments {
    pub(super) fn parse(args: &[String]) -> Result<Self, String> {
        let mut values = BTreeMap::new();
        for arg in args {
            let (key, value) = arg
                .split_once('=')
                .ok_or_else(|| format!("`{arg}` is not an argument; write key=value"))?;
            values.insert(key.trim().to_owned(), value.trim().to_owned());
        }
        Ok(Self {
            values,
            known: Vec::new(),
        })
    }

    /// Takes an argument, if it is there and not empty.
    pub(super) fn take(&mut self, key: &'static str) -> Option<String> {
        self.known.push(key);
        self.values.remove(key).filter(|value| !value.is_empty())
    }

    /// Takes `warning` and `critical`; the defaults are upper ends.
    pub(super) fn thresholds(&mut self, warning: f64, critical: f64) -> Result<Thresholds, String> {
        let mut range = |key, default| match self.take(key) {
            None => Ok(Range::up_to(default)),
            Some(text) => text.parse::<Range>().map_err(|error| error.to_string()),
        };
        Ok(Thresholds {
            warning: Some(range("warning", warning)?),
            critical: Some(range("critical", critical)?),
        })
    }

    /// Nothing may be left: a mistyped threshold that is passed over would be a check that never alerts.
    pub(super) fn end(self) -> Result<(), String> {
        match self.values.keys().next() {
            None => Ok(()),
            Some(key) if self.known.is_empty() => {
                Err(format!("`{key}` is not an argument: this check takes none"))
            }
            Some(key) => {
                let known = self.known.join(", ");
                Err(format!(
                    "`{key}` is not an argument of this check; there are: {known}"
                ))
            }
        }
    }
}
