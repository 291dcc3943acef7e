//! The form of a case. Truth values are written in any way that Perl knows: `1`, `0`, `""`, `true`.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::{
    era::Era,
    machine::{DeviceText, Machine, Setting},
};

/// A case that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the case is not in the expected form: {0}; see the description of the case format")]
pub struct CaseError(#[from] serde_json::Error);

/// A case.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Case {
    /// What is checked.
    pub note: String,
    /// What is done, in order.
    pub ops: Vec<String>,
    /// Which installer is followed.
    pub era: Era,
    /// Architecture of the machine; `x86_64` unless said otherwise.
    pub arch: Option<String>,
    /// The rate file.
    pub rpmsrate: Option<String>,
    /// The media.
    pub synthesis: Vec<MediumFile>,
    /// The group file, or `file.json#key`.
    pub compssusers: Option<String>,
    /// The preference list.
    pub prefer: Option<String>,
    /// What is installed, as a synthesis.
    pub installed: Option<String>,
    /// Edition.
    pub meta_class: String,
    /// Language.
    pub locale: Locale,
    /// The machine.
    pub hardware: Hardware,
    /// Takes all hardware as there.
    #[serde(deserialize_with = "truth")]
    pub match_all_hardware: bool,
    /// Security level.
    #[serde(deserialize_with = "whole")]
    pub security: i64,
    /// Suggestions are left out.
    #[serde(deserialize_with = "truth")]
    pub no_suggests: bool,
    /// Imposed preferences.
    #[serde(deserialize_with = "names")]
    pub preferred_packages: Vec<String>,
    /// The skip list.
    #[serde(deserialize_with = "names")]
    pub skipped_packages: Vec<String>,
    /// Selected first, as base.
    #[serde(deserialize_with = "names")]
    pub base_packages: Vec<String>,
    /// Selected after the rates are read.
    #[serde(deserialize_with = "names")]
    pub default_packages: Vec<String>,
    /// Imposed flags.
    pub flags_chosen: Option<Vec<String>>,
    /// Flags of the machine are not added.
    #[serde(deserialize_with = "truth")]
    pub no_always: bool,
    /// Level of a pass.
    pub min_level: Option<u8>,
    /// Limit of a pass, in bytes.
    #[serde(deserialize_with = "number")]
    pub max_size: f64,
    /// Room for the installation.
    #[serde(deserialize_with = "number")]
    pub available_bytes: f64,
    /// Answers to the questions, in order.
    pub answers: Vec<Map<String, Value>>,
    /// Ticks of the groups screen, a list for each time it is shown.
    pub group_toggles_seq: Vec<Vec<String>>,
    /// What is done in individual selection.
    pub individual: Vec<Map<String, Value>>,
    /// Everything else: lists of values for the operations on numbers.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A medium: a file, perhaps with a name and switched off.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MediumFile {
    /// Only the file.
    File(String),
    /// With more about it.
    Medium {
        /// The file.
        file: String,
        /// Its name.
        #[serde(default)]
        name: String,
        /// Switched off.
        #[serde(default, deserialize_with = "truth", alias = "ignored")]
        ignore: bool,
    },
}

/// The language of a case.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Locale {
    /// The chosen one.
    pub lang: String,
    /// All that were chosen.
    #[serde(deserialize_with = "names")]
    pub langs: Vec<String>,
    /// UTF-8.
    #[serde(deserialize_with = "truth")]
    pub utf8: bool,
}

/// The machine of a case.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Hardware {
    devices: Vec<DeviceText>,
    #[serde(deserialize_with = "names")]
    types: Vec<String>,
    #[serde(deserialize_with = "names")]
    categories: Vec<String>,
    #[serde(deserialize_with = "truth")]
    dvd: bool,
    #[serde(deserialize_with = "truth")]
    burner: bool,
    #[serde(deserialize_with = "truth")]
    usb: bool,
    #[serde(deserialize_with = "truth")]
    pcmcia: bool,
    #[serde(deserialize_with = "truth")]
    smp: bool,
    #[serde(deserialize_with = "truth")]
    bigmem: bool,
    #[serde(deserialize_with = "truth")]
    low_resources: bool,
    #[serde(deserialize_with = "truth")]
    netbook: bool,
}

impl Case {
    /// Reads a case.
    pub fn parse(json: &str) -> Result<Self, CaseError> {
        let mut case: Value = serde_json::from_str(json)?;
        leave_null_out(&mut case);
        Ok(serde_json::from_value(case)?)
    }

    pub(super) fn machine(&self) -> Machine {
        let hardware = &self.hardware;
        Machine {
            devices: hardware.devices.clone(),
            types: hardware.types.iter().cloned().collect(),
            categories: hardware.categories.iter().cloned().collect(),
            dvd: hardware.dvd,
            burner: hardware.burner,
            usb: hardware.usb,
            pcmcia: hardware.pcmcia,
            smp: hardware.smp,
            bigmem: hardware.bigmem,
            low_resources: hardware.low_resources,
            netbook: hardware.netbook,
            match_all_hardware: self.match_all_hardware,
        }
    }

    pub(super) fn setting(&self) -> Setting {
        Setting {
            meta_class: self.meta_class.clone(),
            language: self.locale.lang.clone(),
            languages: self.locale.langs.clone(),
            utf8: self.locale.utf8,
            security: self.security,
            level_imposed: false,
            media: self
                .synthesis
                .iter()
                .map(|medium| medium.parts().1.to_owned())
                .collect(),
        }
    }

    pub(super) fn hardware_is_low(&self) -> bool {
        self.hardware.low_resources
    }

    pub(super) fn hardware_is_netbook(&self) -> bool {
        self.hardware.netbook
    }
}

impl MediumFile {
    /// File, name, and whether it is switched off.
    pub fn parts(&self) -> (&str, &str, bool) {
        match self {
            Self::File(file) => (file, file, false),
            Self::Medium { file, name, ignore } => (file, name, *ignore),
        }
    }
}

/// Truth as Perl has it.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !matches!(text.as_str(), "" | "0"),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// What is `null` is as good as not there.
fn leave_null_out(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(leave_null_out),
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(leave_null_out);
        }
        _ => {}
    }
}

/// A number, or a text that is one, as in Perl.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text.trim().parse().unwrap_or_default(),
        Value::Bool(truth) => f64::from(truth),
        value => value.as_f64().unwrap_or_default(),
    })
}

fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    number(deserializer).map(|number| number as i64)
}

fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Value::deserialize(deserializer).map(|value| is_true(&value))
}

/// A list of names, a text with commas, or the keys of an object whose values are true.
fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(items) => items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        Value::String(text) => text
            .split(',')
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect(),
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| is_true(value))
            .map(|(name, _)| name)
            .collect(),
        _ => Vec::new(),
    })
}
