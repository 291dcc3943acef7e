//! Candidates for what is wanted, and the choice between several (the DrakX reference §6.1, §6.2).

use std::{cmp::Ordering, collections::BTreeMap};

use escadre_model::version;

use super::{
    Urpm,
    resolve::{Agenda, Want, What},
    universe::{PackageId, provides},
};

/// Candidates, and those among them that fit the selected languages: all of these are taken.
struct Found {
    candidates: Vec<PackageId>,
    preferred: Vec<PackageId>,
}

impl From<Vec<PackageId>> for Found {
    fn from(candidates: Vec<PackageId>) -> Self {
        Self {
            candidates,
            preferred: Vec::new(),
        }
    }
}

impl Urpm {
    /// The package to take for a want; nothing if the choice is put off or there is none.
    pub(super) fn choose(&mut self, want: &Want, agenda: &mut Agenda) -> Option<PackageId> {
        let found = self.find(&want.what);
        match found.candidates.as_slice() {
            [] => {
                let again = self.backtrack(want, agenda);
                agenda.first(again.into_iter().collect());
                None
            }
            [id] => Some(*id),
            _ if !agenda.wants.is_empty() => {
                agenda.choices.push_front(want.clone());
                None
            }
            candidates => {
                let name = self.name_of(&want.what);
                let chosen = self.decide(candidates, &name, &found.preferred);
                let property = want.property.clone().unwrap_or_else(|| want.what.text());
                let wants = chosen.into_iter().map(|id| Want {
                    from: want.from,
                    property: Some(property.clone()),
                    suggested_by: want.suggested_by,
                    ..Want::new(What::Packages(vec![id]))
                });
                agenda.first(wants.collect());
                None
            }
        }
    }

    fn name_of(&self, what: &What) -> String {
        match what {
            What::Packages(ids) => {
                let names: Vec<&str> = ids
                    .iter()
                    .map(|id| self.universe.package(*id).name.as_str())
                    .collect();
                names.join("|")
            }
            What::Property(_) => what.text(),
        }
    }

    /// Packages that could be taken, sorted by name for a property.
    pub(super) fn candidates(&self, what: &What, leave_rejected: bool) -> Vec<PackageId> {
        let fits = |id: &PackageId| {
            let entry = self.universe.entry(*id);
            !self.marks(*id).skip
                && (entry.distance > 0
                    || (entry.package.arch == "src" && matches!(what, What::Packages(_))))
                && !(leave_rejected && self.state.is_rejected(&entry.full_name))
        };
        match what {
            What::Packages(ids) => ids.iter().copied().filter(fits).collect(),
            What::Property(property) => {
                let providers = self
                    .universe
                    .providers(&property.name)
                    .iter()
                    .copied()
                    .filter(fits);
                providers
                    .filter(|id| provides(self.universe.package(*id), property))
                    .collect()
            }
        }
    }

    /// The best candidates: one that is selected already is enough, else the best package of each name.
    fn find(&self, what: &What) -> Found {
        let mut by_name: BTreeMap<&str, PackageId> = BTreeMap::new();
        for id in self.candidates(what, true) {
            if self.marks(id).is_selected() || self.state.selected.contains_key(&id) {
                return vec![id].into();
            }
            let package = self.universe.package(id);
            let arch_fits = self.installed.named(&package.name).last();
            if !arch_fits.is_none_or(|installed| super::fits_installed(installed, package)) {
                continue;
            }
            let best = by_name.entry(&package.name).or_insert(id);
            let (asked, was_asked) = (self.marks(id).requested, self.marks(*best).requested);
            if asked
                .cmp(&was_asked)
                .then_with(|| self.universe.compare(id, *best))
                .is_gt()
            {
                *best = id;
            }
        }
        let mut candidates: Vec<PackageId> = by_name.into_values().collect();
        if candidates.len() < 2 {
            return candidates.into();
        }
        if let Some(kernels) = self.of_kernels(&candidates) {
            return Found {
                candidates: kernels.clone(),
                preferred: kernels,
            };
        }
        let score = self.keep_nearest(&mut candidates);
        match candidates.len() {
            1 => candidates.into(),
            _ if score == 3 => vec![candidates[0]].into(),
            _ => self.by_language(candidates, what),
        }
    }

    /// Keeps the candidates of the nearest architecture that are asked for most; their score.
    fn keep_nearest(&self, candidates: &mut Vec<PackageId>) -> i32 {
        let rank = |id: &PackageId| {
            let marks = self.marks(*id);
            let installed = match (marks.installed, marks.upgrade) {
                (false, _) => 0,
                (true, true) => 1,
                (true, false) => -1,
            };
            let score = installed + if marks.requested { 2 } else { 0 };
            (self.universe.entry(*id).distance, -score)
        };
        let best = candidates.iter().map(rank).min().unwrap_or_default();
        candidates.retain(|id| rank(id) == best);
        -best.1
    }

    /// Orders candidates by language, version, and the version that they provide.
    fn by_language(&self, candidates: Vec<PackageId>, what: &What) -> Found {
        let mut scored: Vec<(u8, PackageId)> = candidates
            .into_iter()
            .map(|id| (self.language_score(id), id))
            .collect();
        scored.sort_by(|(score_a, a), (score_b, b)| {
            let media = self
                .universe
                .entry(*a)
                .medium
                .cmp(&self.universe.entry(*b).medium);
            media
                .then(score_b.cmp(score_a))
                .then_with(|| self.universe.compare(*b, *a))
        });
        if scored.iter().any(|(score, _)| *score > 0) {
            scored.retain(|(score, _)| *score > 0);
        }
        let preferred = scored
            .iter()
            .filter(|(score, _)| *score == 3)
            .map(|(_, id)| *id)
            .collect();
        let mut candidates: Vec<PackageId> = scored.into_iter().map(|(_, id)| id).collect();
        if let What::Property(property) = what {
            candidates.sort_by_cached_key(|id| {
                std::cmp::Reverse(Provided(self.provided_version(*id, &property.name)))
            });
        }
        Found {
            candidates,
            preferred,
        }
    }

    /// 3 for a language that is selected or installed, 2 for English, 1 for none, 0 for another language.
    fn language_score(&self, id: PackageId) -> u8 {
        let requires = &self.universe.package(id).requires;
        let mut english = false;
        for property in requires {
            if let Some(at) = property.name.find("locales-") {
                if !property.name[at..].starts_with("locales-en") {
                    return if self.is_selected_or_installed(&property.name) {
                        3
                    } else {
                        0
                    };
                }
                english = true;
            }
        }
        if english { 2 } else { 1 }
    }

    fn provided_version(&self, id: PackageId, name: &str) -> String {
        let provides = self
            .universe
            .package(id)
            .provides
            .iter()
            .filter(|provide| provide.name == name);
        let best = provides
            .map(|provide| provide.version.as_str())
            .max_by(|a, b| version::rpm_part(a, b));
        best.filter(|version| !version.is_empty())
            .unwrap_or("0")
            .to_owned()
    }

    /// Sources and modules follow the kernels that are there.
    fn of_kernels(&self, candidates: &[PackageId]) -> Option<Vec<PackageId>> {
        let name = |id: PackageId| self.universe.package(id).name.as_str();
        let first = name(*candidates.first()?);
        let fits: fn(&Self, &str) -> bool = if is_kernel_source(first) {
            Self::fits_kernel_source
        } else if first.starts_with("dkms-") || first.contains("-kernel-2.") {
            Self::fits_kernel_module
        } else {
            return None;
        };
        let kept: Vec<PackageId> = candidates
            .iter()
            .copied()
            .filter(|id| fits(self, name(*id)))
            .collect();
        (!kept.is_empty()).then_some(kept)
    }

    fn fits_kernel_source(&self, name: &str) -> bool {
        if let Some((_, version)) = name.rsplit_once("source-stripped-") {
            let ending = format!("-{version}");
            return self.universe.providers("kernel").iter().any(|id| {
                let marks = self.marks(*id);
                (marks.installed || marks.is_selected())
                    && self.universe.package(*id).name.ends_with(&ending)
            });
        }
        match name.rsplit_once("-devel-") {
            Some((kernel, version)) if kernel.contains("kernel-") => {
                self.is_selected_or_installed(&format!("{kernel}-{version}"))
            }
            _ => false,
        }
    }

    /// `NAME-kernel-VERSION-FLAVOUR-RELEASE` goes with `kernel-FLAVOUR-VERSION-RELEASE`.
    fn fits_kernel_module(&self, name: &str) -> bool {
        let Some((_, rest)) = name
            .rsplit_once("-kernel-")
            .filter(|(_, rest)| rest.starts_with("2."))
        else {
            return false;
        };
        let mut parts = rest.rsplitn(3, '-');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(release), Some(flavour), Some(version)) => {
                self.is_selected_or_installed(&format!("kernel-{flavour}-{version}-{release}"))
            }
            _ => false,
        }
    }

    /// Decides between several candidates: language, preference lists, kernels, else the first.
    pub(crate) fn decide(
        &mut self,
        candidates: &[PackageId],
        wanted: &str,
        preferred: &[PackageId],
    ) -> Vec<PackageId> {
        if !preferred.is_empty() {
            return preferred.to_vec();
        }
        if let Some(best) = self.by_preference(candidates) {
            return vec![best];
        }
        if let Some(kernels) = self
            .kernels(candidates, wanted)
            .filter(|kernels| !kernels.is_empty())
        {
            return kernels;
        }
        let names = self.joined_names(candidates);
        let first = candidates.first().copied();
        let name = first.map_or("", |id| self.universe.package(id).name.as_str());
        self.log.line(format!(
            "packageCallbackChoices: default choice ('{name}') from {names} for {wanted}"
        ));
        first.into_iter().collect()
    }

    /// The first entry of the list that matches a candidate decides; each that matches is logged.
    fn by_preference(&mut self, candidates: &[PackageId]) -> Option<PackageId> {
        let mut left = candidates.to_vec();
        let mut best = None;
        for entry in &self.options.preferences.entries {
            if left.is_empty() {
                break;
            }
            let (taken, rest): (Vec<PackageId>, Vec<PackageId>) = left
                .iter()
                .partition(|id| entry.matches(&self.universe.package(**id).name));
            if taken.is_empty() {
                continue;
            }
            left = rest;
            let line = format!(
                "preferring {} over {}",
                self.joined_names(&taken),
                self.joined_names(&left)
            );
            self.log.line(line);
            best = best.or(taken.first().copied());
        }
        best
    }

    fn kernels(&mut self, candidates: &[PackageId], wanted: &str) -> Option<Vec<PackageId>> {
        let name = |id: PackageId| self.universe.package(id).name.as_str();
        let (word, kept): (&str, Vec<PackageId>) = if wanted == "kernel" {
            let starts: Vec<String> = self
                .options
                .kernel_extensions
                .iter()
                .map(|ending| format!("kernel{ending}-2"))
                .collect();
            let fits = |id: &&PackageId| {
                starts
                    .iter()
                    .any(|start| name(**id).contains(start.as_str()))
            };
            ("kernel", candidates.iter().filter(fits).copied().collect())
        } else if is_kernel_source(name(*candidates.first()?)) {
            (
                "kernel source",
                candidates
                    .iter()
                    .filter(|id| self.fits_kernel_source(name(**id)))
                    .copied()
                    .collect(),
            )
        } else {
            return None;
        };
        let line = format!(
            "packageCallbackChoices: {word} chosen {} in {}",
            self.joined_names(&kept),
            self.joined_names(candidates)
        );
        self.log.line(line);
        Some(kept)
    }

    fn joined_names(&self, ids: &[PackageId]) -> String {
        let names: Vec<&str> = ids
            .iter()
            .map(|id| self.universe.package(*id).name.as_str())
            .collect();
        names.join(",")
    }
}

fn is_kernel_source(name: &str) -> bool {
    let rest = name.strip_prefix("kernel-");
    rest.is_some_and(|rest| rest.contains("source-") || rest.contains("-devel-"))
}

/// A provided version in rpm's order.
#[derive(PartialEq, Eq)]
struct Provided(String);

impl Ord for Provided {
    fn cmp(&self, other: &Self) -> Ordering {
        version::rpm_part(&self.0, &other.0)
    }
}

impl PartialOrd for Provided {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
