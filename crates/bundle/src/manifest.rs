//! The manifest: all that is signed about a bundle, in one byte form.
//!
//! The form is JSON without blanks, fields in the order of the types here, absent options left out. [`Manifest::parse`] takes
//! nothing else, so that two programs that verified one signature hold one and the same value.

use std::collections::BTreeMap;

use escadre_model::{BundleRef, ByteCount, Timestamp, delivery::Refusal, query::Query};
use serde::{Deserialize, Serialize};

use crate::{
    Action, BundleError, Content, ManifestHash, Notice, Observation, Seconds, Undo,
    action::{check_host_path, check_text},
    limits,
};

/// The format that this program writes and reads.
pub const FORMAT: u32 = 1;

/// An immutable, deployable thing: content, action, notice to the user and conditions.
///
/// Bytes from outside become a manifest by [`Manifest::parse`] alone, which also checks every rule; [`Manifest::to_bytes`]
/// checks them too, so that nothing is signed that no agent would accept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// Name and version.
    pub bundle: BundleRef,
    /// When it was made.
    pub created: Timestamp,
    /// Refused from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// For people.
    pub description: String,
    /// What is unpacked.
    pub content: Content,
    /// What is done.
    pub action: Action,
    /// What the user of the host is told before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
    /// Which hosts accept it.
    pub conditions: Conditions,
    /// Safe to run again after it was interrupted.
    pub repeatable: bool,
    /// Accepted by hosts that have seen a newer version.
    pub allow_downgrade: bool,
    /// The action is ended after so long.
    #[serde(rename = "timeout_s")]
    pub timeout: Seconds,
    /// Exit codes that mean success, in order.
    pub success_codes: Vec<i32>,
    /// What must hold afterwards.
    pub observe: Vec<Observation>,
    /// How it is taken back; none: it cannot be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
}

/// What must hold on a host before anything is fetched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// Asked of the host's own facts, by the host itself.
    pub target: Query,
    /// Bytes that must be free, by mount point.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub free: BTreeMap<String, ByteCount>,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            target: Query::everything(),
            free: BTreeMap::new(),
        }
    }
}

impl Manifest {
    /// The timeout of an action for which nobody said another.
    pub const DEFAULT_TIMEOUT: Seconds = Seconds(3600);

    /// A manifest with the defaults: for every host, no notice, one hour, exit code 0, not repeatable, no undo.
    pub fn new(bundle: BundleRef, created: Timestamp, content: Content, action: Action) -> Self {
        Self {
            format: FORMAT,
            bundle,
            created,
            expires: None,
            description: String::new(),
            content,
            action,
            notice: None,
            conditions: Conditions::default(),
            repeatable: false,
            allow_downgrade: false,
            timeout: Self::DEFAULT_TIMEOUT,
            success_codes: vec![0],
            observe: Vec::new(),
            undo: None,
        }
    }

    /// Reads the canonical bytes, and nothing else.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        BundleError::bound(
            "the size of the manifest",
            bytes.len() as u64,
            limits::MANIFEST as u64,
        )?;
        let syntax = |error: serde_json::Error| BundleError::Syntax {
            detail: error.to_string(),
        };
        let manifest = match serde_json::from_slice::<Self>(bytes) {
            Ok(manifest) => manifest,
            Err(error) => match serde_json::from_slice::<Head>(bytes) {
                Ok(head) if head.format != FORMAT => {
                    return Err(BundleError::Format {
                        found: head.format,
                        known: FORMAT,
                    });
                }
                _ => return Err(syntax(error)),
            },
        };
        let canonical = manifest.to_bytes()?;
        if canonical != bytes {
            let same = canonical
                .iter()
                .zip(bytes)
                .take_while(|(a, b)| a == b)
                .count();
            return Err(BundleError::NotCanonical { at: same });
        }
        Ok(manifest)
    }

    /// Checks every rule and writes the canonical bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BundleError> {
        self.check()?;
        let bytes = serde_json::to_vec(self).map_err(|error| BundleError::Syntax {
            detail: error.to_string(),
        })?;
        BundleError::bound(
            "the size of the manifest",
            bytes.len() as u64,
            limits::MANIFEST as u64,
        )?;
        Ok(bytes)
    }

    /// The hash of the canonical bytes.
    pub fn hash(&self) -> Result<ManifestHash, BundleError> {
        self.to_bytes().map(|bytes| ManifestHash::of(&bytes))
    }

    /// Refuses when it is past its expiry.
    pub fn check_expiry(&self, now: Timestamp) -> Result<(), Refusal> {
        match self.expires {
            Some(at) if now >= at => Err(Refusal::Expired {
                what: format!("bundle {}", self.bundle),
                at: at.to_string(),
            }),
            _ => Ok(()),
        }
    }

    fn check(&self) -> Result<(), BundleError> {
        if self.format != FORMAT {
            return Err(BundleError::Format {
                found: self.format,
                known: FORMAT,
            });
        }
        check_text("description", &self.description)?;
        self.content.check()?;
        self.action.check(&self.content)?;
        self.notice.iter().try_for_each(Notice::check)?;
        self.conditions.check()?;
        self.check_codes()?;
        BundleError::bound(
            "the number of observations",
            self.observe.len() as u64,
            limits::LIST as u64,
        )?;
        self.observe.iter().try_for_each(Observation::check)?;
        self.undo
            .iter()
            .try_for_each(|undo| undo.check(&self.action))?;
        if self.timeout.0 == 0 {
            return Err(BundleError::action(
                "timeout_s",
                "is 0, the action could never end in time",
            ));
        }
        if self.expires.is_some_and(|at| at <= self.created) {
            return Err(BundleError::action(
                "expires",
                "is not after the time of creation",
            ));
        }
        Ok(())
    }

    fn check_codes(&self) -> Result<(), BundleError> {
        BundleError::bound(
            "the number of exit codes",
            self.success_codes.len() as u64,
            limits::LIST as u64,
        )?;
        if self.success_codes.is_empty() || !self.success_codes.is_sorted_by(|a, b| a < b) {
            return Err(BundleError::action(
                "success_codes",
                "wants at least one exit code, in order, each once",
            ));
        }
        Ok(())
    }
}

impl Conditions {
    fn check(&self) -> Result<(), BundleError> {
        BundleError::bound(
            "the number of conditions",
            self.free.len() as u64,
            limits::LIST as u64,
        )?;
        self.free
            .keys()
            .try_for_each(|mount| check_host_path("conditions", mount))
    }
}

#[cfg(test)]
mod tests;
