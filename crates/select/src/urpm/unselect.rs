//! Unselecting with all that depends on it, and giving up what cannot be resolved (the DrakX reference §6.1).
//!
//! What an unselected package needed stays: unrequested dependencies are kept.

use std::collections::VecDeque;

use super::{
    Urpm,
    resolve::{Agenda, Want, What},
    universe::PackageId,
};

impl Urpm {
    /// Unselects packages and everything that needs them. What was unselected, in order.
    pub(crate) fn unselect(&mut self, ids: &[PackageId]) -> Vec<PackageId> {
        let universe = self.universe.clone();
        let mut todo: VecDeque<PackageId> = ids.iter().copied().collect();
        let mut unselected = Vec::new();
        while let Some(id) = todo.pop_front() {
            if self.state.selected.remove(&id).is_none() {
                continue;
            }
            unselected.push(id);
            let mut freed: VecDeque<String> = [self.full_name(id).to_owned()].into();
            while let Some(full_name) = freed.pop_front() {
                freed.extend(self.state.forget_cause(&full_name));
            }
            let marks = &mut self.marks[id.index()];
            marks.requested = false;
            marks.required = false;
            let package = universe.package(id);
            for provide in &package.provides {
                for dependant in self.requiring(&provide.name) {
                    if !self
                        .unsatisfied(universe.package(dependant), Some(&provide.name))
                        .is_empty()
                    {
                        todo.push_back(dependant);
                    }
                }
            }
            for property in &package.requires {
                if let Some(requiring) = self.state.what_requires.get_mut(&property.name) {
                    requiring.remove(&id);
                }
            }
        }
        unselected
    }

    /// Selected packages that require a name, sorted by name.
    pub(super) fn requiring(&self, name: &str) -> Vec<PackageId> {
        let requiring = self
            .state
            .what_requires
            .get(name)
            .into_iter()
            .flatten()
            .copied();
        let mut ids: Vec<PackageId> = requiring
            .filter(|id| self.state.selected.contains_key(id))
            .collect();
        ids.sort_by(|a, b| {
            self.universe
                .package(*a)
                .name
                .cmp(&self.universe.package(*b).name)
                .then(a.cmp(b))
        });
        ids
    }

    /// Nothing can be taken for a want: tries what has not been tried, else gives up whoever needs it.
    pub(super) fn backtrack(&mut self, want: &Want, agenda: &mut Agenda) -> Option<Want> {
        if self.state.given_up.insert(want.what.text()) {
            for id in self.candidates(&want.what, false) {
                if self.state.tried.contains(&id) {
                    continue;
                }
                let full_name = self.full_name(id).to_owned();
                if !self.state.is_rejected(&full_name) {
                    self.state.tried.insert(id);
                    return Some(Want {
                        what: What::Packages(vec![id]),
                        property: None,
                        ..want.clone()
                    });
                }
                self.note_rejection(&full_name, want);
            }
        }
        if let Some(from) = want.from {
            self.give_up(from, want);
        }
        if let Some((name, selected)) = want.promote.clone() {
            self.give_up_installed(&name, selected, agenda);
        }
        None
    }

    fn note_rejection(&mut self, full_name: &str, want: &Want) {
        if let Some((name, _)) = &want.promote {
            self.state.backtrack(full_name).promote.push(name.clone());
        }
        let avoided_for: Vec<String> = match self.state.rejected.get(full_name) {
            Some(rejection) => rejection
                .closure
                .iter()
                .filter(|(_, avoid)| **avoid)
                .map(|(from, _)| from.clone())
                .collect(),
            None => Vec::new(),
        };
        if !avoided_for.is_empty() {
            self.state
                .backtrack(full_name)
                .conflicts
                .extend(avoided_for);
        }
    }

    /// Unselects and rejects the chain of those that need something which cannot be had.
    fn give_up(&mut self, from: PackageId, want: &Want) {
        let full_name = self.full_name(from).to_owned();
        if !self.state.is_rejected(&full_name) {
            for id in self.unselect(&[from]) {
                let unselected = self.full_name(id).to_owned();
                self.state.avoid(&unselected, &full_name);
            }
        }
        self.state
            .backtrack(&full_name)
            .unsatisfied
            .push(want.what.text());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Installed, Medium, Options, Universe};
    use super::*;
    use std::sync::Arc;

    /// Dependencies stay when what needed them goes.
    #[test]
    fn dependencies_stay() {
        let text = "@provides@lib[== 1-1]\n@info@lib-1-1.noarch@0@1@G\n@provides@a[== 1-1]\n@requires@lib\n@info@a-1-1.noarch@0@1@G\n\
                    @provides@b[== 1-1]\n@requires@a\n@info@b-1-1.noarch@0@1@G\n";
        let packages = escadre_catalog::synthesis::parse("s", text.as_bytes()).packages;
        let universe = Universe::new(
            vec![Medium {
                packages,
                ..Medium::default()
            }],
            "x86_64",
        );
        let mut urpm = Urpm::new(
            Arc::new(universe),
            Arc::new(Installed::default()),
            Options::default(),
        );
        let b = urpm.package_by_name("b").expect("b is on the media");
        urpm.select(b);
        assert_eq!(urpm.names(|marks| marks.is_selected()), ["a", "b", "lib"]);
        let a = urpm.package_by_name("a").expect("a is on the media");
        urpm.unselect(&[a]);
        assert_eq!(urpm.names(|marks| marks.is_selected()), ["lib"]);
    }
}
