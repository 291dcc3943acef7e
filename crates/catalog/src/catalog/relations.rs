//! The dependencies of a package, read where they lie.

use crate::{
    catalog::{Catalog, NameId, layout},
    package::Op,
};

/// The kinds of relation that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelationKind {
    /// Must be there: `Depends`, `Pre-Depends`, `Requires`.
    Requires,
    /// Should be there: `Recommends`, urpmi's `suggests`.
    Recommends,
    /// May be of use: `Suggests`.
    Suggests,
    /// Must not be there: `Conflicts`.
    Conflicts,
    /// Must not be there in this version: `Breaks`.
    Breaks,
    /// Packages that this one takes the place of: rpm's `Obsoletes`.
    Obsoletes,
    /// Files that may be overwritten: Debian's `Replaces`.
    Replaces,
    /// What it provides beyond its own name.
    Provides,
    /// The reverse of recommends: `Supplements`.
    Supplements,
    /// The reverse of suggests: `Enhances`.
    Enhances,
}

impl RelationKind {
    /// All kinds, by number.
    pub const ALL: [Self; 10] = [
        Self::Requires,
        Self::Recommends,
        Self::Suggests,
        Self::Conflicts,
        Self::Breaks,
        Self::Obsoletes,
        Self::Replaces,
        Self::Provides,
        Self::Supplements,
        Self::Enhances,
    ];

    /// The verb, for sentences.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Requires => "requires",
            Self::Recommends => "recommends",
            Self::Suggests => "suggests",
            Self::Conflicts => "conflicts with",
            Self::Breaks => "breaks",
            Self::Obsoletes => "obsoletes",
            Self::Replaces => "replaces",
            Self::Provides => "provides",
            Self::Supplements => "supplements",
            Self::Enhances => "enhances",
        }
    }
}

/// Words of the relations of one package: a list of blocks `kind << 24 | length, words…`.
#[derive(Clone, Copy)]
pub struct Relations<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Relations<'a> {
    /// The dependencies of one kind, in the order of the distribution.
    pub fn of(self, kind: RelationKind) -> Groups<'a> {
        let mut rest = self.bytes;
        while let Some((header, after)) = take_word(rest) {
            let length = (header & 0x00FF_FFFF) as usize * 4;
            let Some((block, next)) = after.split_at_checked(length) else {
                break;
            };
            if header >> 24 == kind as u32 {
                return Groups {
                    catalog: self.catalog,
                    bytes: block,
                };
            }
            rest = next;
        }
        Groups {
            catalog: self.catalog,
            bytes: &[],
        }
    }
}

pub(crate) fn take_word(bytes: &[u8]) -> Option<(u32, &[u8])> {
    bytes
        .split_first_chunk::<4>()
        .map(|(word, rest)| (u32::from_le_bytes(*word), rest))
}

/// A conjunction of dependencies.
#[derive(Clone, Copy)]
pub struct Groups<'a> {
    catalog: &'a Catalog,
    bytes: &'a [u8],
}

impl<'a> Iterator for Groups<'a> {
    type Item = Group<'a>;

    fn next(&mut self) -> Option<Group<'a>> {
        let mut rest = self.bytes;
        let mut more = true;
        while more {
            let (word, after) = take_word(rest)?;
            more = word & layout::ATOM_MORE != 0;
            rest = if word & layout::ATOM_RANGE == 0 {
                after
            } else {
                take_word(after)?.1
            };
        }
        let (group, rest) = self.bytes.split_at(self.bytes.len() - rest.len());
        self.bytes = rest;
        Some(Group {
            catalog: self.catalog,
            bytes: group,
        })
    }
}

/// Alternatives, of which one is enough, in the order of the distribution.
#[derive(Clone, Copy)]
pub struct Group<'a> {
    catalog: &'a Catalog,
    bytes: &'a [u8],
}

impl<'a> Group<'a> {
    /// The alternatives.
    pub fn atoms(self) -> Atoms<'a> {
        Atoms {
            catalog: self.catalog,
            bytes: self.bytes,
        }
    }

    /// The bytes that stand for it: equal bytes in one catalog are equal dependencies.
    pub fn key(self) -> &'a [u8] {
        self.bytes
    }
}

impl std::fmt::Display for Group<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, atom) in self.atoms().enumerate() {
            if index > 0 {
                f.write_str(" | ")?;
            }
            write!(f, "{}", atom.display(self.catalog))?;
        }
        Ok(())
    }
}

/// Alternatives of a group.
#[derive(Clone, Copy)]
pub struct Atoms<'a> {
    catalog: &'a Catalog,
    bytes: &'a [u8],
}

/// What an [`Atom`] asks of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand<'a> {
    /// A version in this range; any version with [`Op::Any`].
    Range(Op, &'a str),
    /// A rich dependency, as text; the name is the same text.
    Rich(&'a str),
}

/// One alternative: a name with a demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Atom<'a> {
    /// What is named.
    pub name: NameId,
    /// In which versions.
    pub demand: Demand<'a>,
    /// Written `:any`: a package that allows it counts from any architecture.
    pub any_arch: bool,
    /// Needed before unpacking, or by a scriptlet.
    pub before: bool,
}

impl<'a> Atom<'a> {
    /// It, as people write it: `libc6 (>= 2.36)`.
    pub fn display(self, catalog: &'a Catalog) -> String {
        let any = if self.any_arch { ":any" } else { "" };
        match self.demand {
            Demand::Range(Op::Any, _) => format!("{}{any}", catalog.name_text(self.name)),
            Demand::Range(op, version) => format!(
                "{}{any} ({} {version})",
                catalog.name_text(self.name),
                op.sign()
            ),
            Demand::Rich(text) => text.to_owned(),
        }
    }
}

impl<'a> Iterator for Atoms<'a> {
    type Item = Atom<'a>;

    fn next(&mut self) -> Option<Atom<'a>> {
        let (word, rest) = take_word(self.bytes)?;
        let (demand, rest) = if word & layout::ATOM_RANGE == 0 {
            (Demand::Range(Op::Any, ""), rest)
        } else {
            let (range, rest) = take_word(rest)?;
            (self.catalog.demand(range), rest)
        };
        self.bytes = rest;
        Some(Atom {
            name: NameId(word & layout::NAME_BITS),
            demand,
            any_arch: word & layout::ATOM_ANY != 0,
            before: word & layout::ATOM_BEFORE != 0,
        })
    }
}

pub(crate) fn op_number(op: Op) -> u32 {
    match op {
        Op::Any => 0,
        Op::Less => 1,
        Op::LessEqual => 2,
        Op::Equal => 3,
        Op::GreaterEqual => 4,
        Op::Greater => 5,
    }
}

pub(crate) fn op_of(number: u32) -> Op {
    match number {
        1 => Op::Less,
        2 => Op::LessEqual,
        3 => Op::Equal,
        4 => Op::GreaterEqual,
        5 => Op::Greater,
        _ => Op::Any,
    }
}
