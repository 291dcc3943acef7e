//! `Packages`: the index of a Debian repository, read from a stream into a catalog.

use std::io::BufRead;

use escadre_model::{
    Problem,
    problem::Severity::{Error, Warning},
};

use super::{
    deb822::{Stanza, Stanzas},
    relation::push_field,
};
use crate::{
    catalog::{
        CatalogBuilder, Checksum, MultiArch, PackageDetails, PackageHead, Priority, RelationKind,
    },
    error::CatalogError,
    synthesis::SIZE_LIMIT,
};

/// How many problems of one file are listed; a file that is wrong everywhere is wrong enough.
pub const PROBLEM_LIMIT: usize = 1000;

/// The fields of a stanza that are kept, as written.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) package: &'a [u8],
    pub(super) version: &'a [u8],
    pub(super) architecture: &'a [u8],
    pub(super) status: &'a [u8],
    pub(super) depends: &'a [u8],
    pub(super) pre_depends: &'a [u8],
    pub(super) recommends: &'a [u8],
    pub(super) suggests: &'a [u8],
    pub(super) conflicts: &'a [u8],
    pub(super) breaks: &'a [u8],
    pub(super) replaces: &'a [u8],
    pub(super) provides: &'a [u8],
    pub(super) enhances: &'a [u8],
    pub(super) section: &'a [u8],
    pub(super) task: &'a [u8],
    pub(super) priority: &'a [u8],
    pub(super) essential: &'a [u8],
    pub(super) multi_arch: &'a [u8],
    pub(super) size: &'a [u8],
    pub(super) installed_size: &'a [u8],
    pub(super) filename: &'a [u8],
    pub(super) sha256: &'a [u8],
    pub(super) sha512: &'a [u8],
    pub(super) description: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(stanza: Stanza<'a>) -> Self {
        let mut fields = Self::default();
        for field in stanza.fields() {
            if let Some(place) = fields.place(field.name) {
                *place = field.value;
            }
        }
        fields
    }

    fn place(&mut self, name: &[u8]) -> Option<&mut &'a [u8]> {
        Some(match name {
            b"Package" => &mut self.package,
            b"Version" => &mut self.version,
            b"Architecture" => &mut self.architecture,
            b"Status" => &mut self.status,
            b"Depends" => &mut self.depends,
            b"Pre-Depends" => &mut self.pre_depends,
            b"Recommends" => &mut self.recommends,
            b"Suggests" => &mut self.suggests,
            b"Conflicts" => &mut self.conflicts,
            b"Breaks" => &mut self.breaks,
            b"Replaces" => &mut self.replaces,
            b"Provides" => &mut self.provides,
            b"Enhances" => &mut self.enhances,
            b"Section" => &mut self.section,
            b"Task" => &mut self.task,
            b"Priority" => &mut self.priority,
            b"Essential" => &mut self.essential,
            b"Multi-Arch" => &mut self.multi_arch,
            b"Size" => &mut self.size,
            b"Installed-Size" => &mut self.installed_size,
            b"Filename" => &mut self.filename,
            b"SHA256" => &mut self.sha256,
            b"SHA512" => &mut self.sha512,
            b"Description" => &mut self.description,
            _ => return None,
        })
    }

    pub(super) fn summary(&self) -> &'a [u8] {
        self.description
            .split(|&c| c == b'\n')
            .next()
            .unwrap_or_default()
    }

    /// `Installed-Size` counts kibibytes.
    pub(super) fn installed_bytes(&self) -> Option<u64> {
        number(self.installed_size)?
            .checked_mul(1024)
            .filter(|&size| size <= SIZE_LIMIT)
    }

    pub(super) fn multi_arch(&self) -> MultiArch {
        match self.multi_arch {
            b"same" => MultiArch::Same,
            b"foreign" => MultiArch::Foreign,
            b"allowed" => MultiArch::Allowed,
            _ => MultiArch::No,
        }
    }

    fn priority(&self) -> Priority {
        match self.priority {
            b"required" => Priority::Required,
            b"important" => Priority::Important,
            b"standard" => Priority::Standard,
            b"extra" => Priority::Extra,
            _ => Priority::Optional,
        }
    }
}

/// A number; 0 where nothing is said; none where it is no (believable) number.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return Some(0);
    }
    std::str::from_utf8(text)
        .ok()?
        .parse()
        .ok()
        .filter(|&number| number <= SIZE_LIMIT)
}

/// Reads a whole index into the catalog. Stanzas that are unusable are passed over and told of.
pub fn read(
    file: &str,
    input: impl BufRead,
    builder: &mut CatalogBuilder,
) -> Result<Vec<Problem>, CatalogError> {
    let mut stanzas = Stanzas::new(file, input);
    let mut problems = Vec::new();
    while let Some(stanza) = stanzas.next_stanza()? {
        let mut note = |severity, code: &str, message: String| {
            if problems.len() < PROBLEM_LIMIT {
                problems.push(Problem::new(severity, file, stanza.line, code, message));
            }
        };
        let fields = Fields::of(stanza);
        if fields.package.is_empty() || fields.version.is_empty() {
            note(
                Error,
                "packages.stanza",
                "a stanza without Package and Version is passed over".to_owned(),
            );
            continue;
        }
        add(&fields, builder, &mut note)?;
    }
    Ok(problems)
}

type Note<'n> = dyn FnMut(escadre_model::problem::Severity, &str, String) + 'n;

fn add(
    fields: &Fields<'_>,
    builder: &mut CatalogBuilder,
    note: &mut Note<'_>,
) -> Result<(), CatalogError> {
    let name = || String::from_utf8_lossy(fields.package).into_owned();
    let mut sure = |size: Option<u64>, what: &str| {
        size.unwrap_or_else(|| {
            note(
                Warning,
                "packages.number",
                format!("{what} of `{}` is not a believable number", name()),
            );
            0
        })
    };
    let head = PackageHead {
        name: fields.package,
        version: fields.version,
        arch: fields.architecture,
        group: fields.section,
        tasks: fields.task,
        size: sure(fields.installed_bytes(), "Installed-Size"),
        file_size: sure(number(fields.size), "Size"),
        multi_arch: fields.multi_arch(),
        priority: fields.priority(),
        essential: fields.essential == b"yes",
    };
    let strongest = if fields.sha512.is_empty() {
        fields.sha256
    } else {
        fields.sha512
    };
    let details = PackageDetails {
        summary: std::str::from_utf8(fields.summary()).unwrap_or_default(),
        path: std::str::from_utf8(fields.filename).unwrap_or_default(),
        checksum: std::str::from_utf8(strongest)
            .ok()
            .and_then(Checksum::from_hex),
    };
    builder.package(&head, &details)?;
    push_field(
        builder,
        RelationKind::Requires,
        &[(fields.pre_depends, true), (fields.depends, false)],
    )?;
    for (kind, value) in [
        (RelationKind::Recommends, fields.recommends),
        (RelationKind::Suggests, fields.suggests),
        (RelationKind::Conflicts, fields.conflicts),
        (RelationKind::Breaks, fields.breaks),
        (RelationKind::Replaces, fields.replaces),
        (RelationKind::Provides, fields.provides),
        (RelationKind::Enhances, fields.enhances),
    ] {
        push_field(builder, kind, &[(value, false)])?;
    }
    Ok(())
}
