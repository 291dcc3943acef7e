//! Which packages of the repositories a profile lets in: priorities and pins.

use std::collections::BTreeMap;

use escadre_catalog::{Op, Property};
use escadre_model::version;

use super::Profile;
use crate::urpm::Medium;

/// Reads the pin of a package: a version, perhaps with a sign before it.
pub(super) fn pin(name: &str, text: &str) -> Option<Property> {
    let trimmed = text.trim();
    let sign = trimmed.len() - trimmed.trim_start_matches(['=', '<', '>']).len();
    let (sign, version) = trimmed.split_at(sign);
    let op = if sign.is_empty() {
        Op::Equal
    } else {
        Op::parse(sign)?
    };
    let version = version.trim();
    (!version.is_empty()).then(|| Property::versioned(name, op, version))
}

impl Profile {
    /// The media as this profile sees them: only its repositories, best priority first, without what is hidden or not
    /// of a pinned version.
    pub fn media(&self, media: Vec<Medium>) -> Vec<Medium> {
        let priority = |name: &str| match self.repository.as_slice() {
            [] => Some(0),
            list => list
                .iter()
                .find(|repository| repository.name == name)
                .map(|repository| repository.priority),
        };
        let mut kept: Vec<(i32, Medium)> = media
            .into_iter()
            .filter_map(|medium| Some((priority(&medium.name)?, medium)))
            .collect();
        kept.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
        let pins: BTreeMap<&str, Property> = self
            .pins
            .iter()
            .filter_map(|(name, text)| Some((name.as_str(), pin(name, text)?)))
            .collect();
        let mut best: BTreeMap<String, i32> = BTreeMap::new();
        for (priority, medium) in &mut kept {
            medium.packages.retain(|package| {
                let pinned = pins.get(package.name.as_str()).is_none_or(|pin| {
                    pin.op
                        .accepts(version::compare(package.kind, &package.evr(), &pin.version))
                });
                pinned && best.get(&package.name).is_none_or(|best| best == priority)
            });
            for package in medium.packages.iter().filter(|_| !medium.ignored) {
                best.entry(package.name.clone()).or_insert(*priority);
            }
        }
        kept.into_iter().map(|(_, medium)| medium).collect()
    }
}
