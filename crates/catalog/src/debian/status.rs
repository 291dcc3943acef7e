//! `/var/lib/dpkg/status`: what is installed on a Debian machine.

use std::io::BufRead;

use escadre_model::inventory::PackageKind;

use super::{
    deb822::Stanzas,
    packages::{Fields, number},
    relation,
};
use crate::{error::CatalogError, package::Package};

/// Reads the packages that are installed (or unpacked and waiting for their configuration).
pub fn read(file: &str, input: impl BufRead) -> Result<Vec<Package>, CatalogError> {
    let mut stanzas = Stanzas::new(file, input);
    let mut installed = Vec::new();
    while let Some(stanza) = stanzas.next_stanza()? {
        let fields = Fields::of(stanza);
        let state = fields
            .status
            .rsplit(|&c| c == b' ')
            .next()
            .unwrap_or_default();
        let present = matches!(
            state,
            b"installed"
                | b"unpacked"
                | b"half-configured"
                | b"triggers-awaited"
                | b"triggers-pending"
        );
        if present && !fields.package.is_empty() {
            installed.push(package(&fields));
        }
    }
    Ok(installed)
}

fn package(fields: &Fields<'_>) -> Package {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let version = text(fields.version);
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) => (epoch.parse().unwrap_or(0), rest),
        None => (0, version.as_str()),
    };
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    let mut requires = relation::properties(fields.pre_depends, true);
    requires.extend(relation::properties(fields.depends, false));
    let mut conflicts = relation::properties(fields.conflicts, false);
    conflicts.extend(relation::properties(fields.breaks, false));
    Package {
        kind: PackageKind::Deb,
        name: text(fields.package),
        epoch,
        version: upstream.to_owned(),
        release: revision.to_owned(),
        arch: text(fields.architecture),
        provides: relation::properties(fields.provides, false),
        requires,
        recommends: relation::properties(fields.recommends, false),
        suggests: relation::properties(fields.suggests, false),
        conflicts,
        obsoletes: Vec::new(),
        summary: text(fields.summary()),
        group: text(fields.section),
        filesize: number(fields.size).unwrap_or(0),
        size: fields.installed_bytes().unwrap_or(0),
    }
}
