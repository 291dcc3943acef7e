//! The name of an installation inside its metadata, so that one publisher's key can serve several.
//!
//! A signature says who signed, not for whom. With one key in the roots of two installations, a list of the one would
//! verify under the root of the other, and so would its next root: whoever took one server over could bring in what was
//! signed for the other fleet, or that one's other publishers. Hence founding draws a name at random, every root and list
//! carries it (one member more, which other TUF programs ignore), it never changes, and publishers, server and agents
//! take nothing under another name. Metadata without a name belongs with metadata without a name.
//!
//! Absent on purpose: protection against a person who pins a root that lies about its name.

use std::collections::HashMap;

use serde_json::Value;
use tough::schema::{Root, Targets};

use crate::{TrustError, secret::random};

const MEMBER: &str = "installation";

/// The members of a role that the specification does not name.
pub(crate) type Members = HashMap<String, Value>;

/// A name for a new installation, as the one such member of its root and list.
pub(crate) fn draw() -> Result<Members, TrustError> {
    let name = hex::encode(random::<16>()?);
    Ok(Members::from([(MEMBER.to_owned(), Value::String(name))]))
}

/// Only the name, for the next root.
pub(crate) fn name_of(root: &Root) -> Members {
    let name = root._extra.get(MEMBER).cloned();
    name.map(|name| (MEMBER.to_owned(), name))
        .into_iter()
        .collect()
}

pub(crate) fn is_named(root: &Root) -> bool {
    root._extra.contains_key(MEMBER)
}

/// Refuses a root of another installation.
pub(crate) fn check_root(known: &Root, offered: &Root) -> Result<(), TrustError> {
    check("root", &known._extra, &offered._extra)
}

/// Refuses a list of another installation.
pub(crate) fn check_list(root: &Root, offered: &Targets) -> Result<(), TrustError> {
    check("targets", &root._extra, &offered._extra)
}

fn check(role: &'static str, known: &Members, offered: &Members) -> Result<(), TrustError> {
    if known.get(MEMBER) == offered.get(MEMBER) {
        return Ok(());
    }
    Err(TrustError::OtherInstallation { role })
}
