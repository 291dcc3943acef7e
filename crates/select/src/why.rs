//! Why a package is selected, or is not: one line.
//!
//! Selected: the rule (`file:line`), the groups that set its flags, the rate, then the chain of requires down to the
//! package. Not selected: the first thing that stands in the way.

use std::collections::BTreeSet;

use crate::{
    condition::{Clause, Settler},
    machine::Machine,
    pass::PassEnd,
    rating::Rating,
    step::Step,
    urpm::PackageId,
};

/// Longest chain that is shown.
const CHAIN: usize = 40;

/// Why a package of the step is selected; why not, if it is not.
pub fn why(step: &Step, name: &str) -> String {
    match step.urpm.universe().best(name) {
        Some(id) if step.urpm.marks(id).is_selected() => selected(step, id),
        _ => format!("{name} is not selected"),
    }
}

fn selected(step: &Step, id: PackageId) -> String {
    let mut chain = Vec::new();
    let mut seen = BTreeSet::new();
    let mut at = id;
    while seen.insert(at) && seen.len() <= CHAIN {
        let Some(cause) = step.urpm.cause(at) else {
            break;
        };
        let Some(from) = cause.from else { break };
        let verb = if cause.suggested {
            "suggests"
        } else {
            "requires"
        };
        let name = name_of(step, at);
        let needed = if cause.property == name || cause.property.is_empty() {
            String::new()
        } else {
            format!("{} → ", cause.property)
        };
        chain.push(format!("{verb} {needed}{name}"));
        at = from;
    }
    chain.push(format!("{}{}", root(step, at), name_of(step, at)));
    chain.reverse();
    chain.join(" → ")
}

/// What brought in the package at the head of a chain.
fn root(step: &Step, id: PackageId) -> String {
    let name = name_of(step, id);
    if step.urpm.marks(id).base {
        return "base package → ".to_owned();
    }
    let rated = step
        .ratings
        .get(id)
        .filter(|rating| rating.rate >= 1 && rating.holds(&step.flags));
    if let Some(rating) = rated {
        let groups = groups(step, rating);
        return format!(
            "{}:{} → {}rate {} → ",
            step.ratings.file, rating.line, groups, rating.rate
        );
    }
    if step.default_packages.contains(&name) {
        return "default package → ".to_owned();
    }
    "chosen one by one → ".to_owned()
}

/// Ticked groups that set a flag of the conditions.
fn groups(step: &Step, rating: &Rating) -> String {
    let touched = |flags: &[String]| rating.clauses.iter().any(|clause| clause.touches(flags));
    let groups = step
        .ticked_groups()
        .filter(|group| touched(&group.category_flags().collect::<Vec<_>>()));
    let names: Vec<String> = groups.map(crate::compss::Group::id).collect();
    if names.is_empty() {
        String::new()
    } else {
        format!("{} → ", names.join(", "))
    }
}

/// Why a package of the step is not selected. `end` says where the last pass was cut.
pub fn why_not(step: &Step, machine: &Machine, end: Option<PassEnd>, name: &str) -> String {
    let Some(id) = step.urpm.universe().best(name) else {
        return format!("{name}: no medium has a package of this name that runs here");
    };
    if step.urpm.marks(id).is_selected() {
        return format!("{name} is selected");
    }
    if let Some(reason) = kept_out(step, id) {
        return format!("{name}: {reason}");
    }
    match step.ratings.get(id).filter(|rating| rating.rate > 0) {
        Some(rating) => {
            let reason = rule_fails(step, machine, end, id, rating);
            format!("{name}: {}:{} → {reason}", step.ratings.file, rating.line)
        }
        None => rejection(step, id).unwrap_or_else(|| {
            format!("{name}: no rule rates it, and nothing that is selected needs it")
        }),
    }
}

/// What keeps a package out whatever the rules say.
fn kept_out(step: &Step, id: PackageId) -> Option<String> {
    let urpm = &step.urpm;
    let marks = urpm.marks(id);
    if marks.installed && !marks.upgrade {
        return Some("installed in this version or a newer one".to_owned());
    }
    if marks.skip {
        return Some("on the skip list".to_owned());
    }
    let medium = urpm.universe().medium_name(id);
    urpm.universe()
        .is_ignored(id)
        .then(|| format!("its medium `{medium}` is switched off"))
}

/// Why a rated package is not selected.
fn rule_fails(
    step: &Step,
    machine: &Machine,
    end: Option<PassEnd>,
    id: PackageId,
    rating: &Rating,
) -> String {
    if let Some(condition) = failed(step, machine, rating) {
        return format!("`{condition}` does not hold");
    }
    if rating.rate < step.level {
        return format!("rate {} is below the level {}", rating.rate, step.level);
    }
    if let Some(reason) = rejection(step, id) {
        return reason;
    }
    match end.and_then(|end| Some((end, end.cut_at?))) {
        Some((end, cut)) if rating.rate <= end.level => {
            let first = if cut == id {
                "it".to_owned()
            } else {
                name_of(step, cut)
            };
            format!(
                "cut at rate {}: {first} was the first that did not fit",
                end.level
            )
        }
        _ => "unselected".to_owned(),
    }
}

/// The first condition, as the rate file has it, that does not hold.
fn failed(step: &Step, machine: &Machine, rating: &Rating) -> Option<String> {
    let mut settler = Settler::new(machine, &step.flags);
    let holds = |clause: Clause| clause.holds(&step.flags);
    rating
        .conditions
        .iter()
        .find(|condition| !holds(settler.settle_flag(condition)))
        .map(ToString::to_string)
}

fn rejection(step: &Step, id: PackageId) -> Option<String> {
    let package = step.urpm.universe().package(id);
    let full_name = package.full_name();
    let said = step
        .urpm
        .rejections()
        .into_iter()
        .find(|line| line.starts_with(&format!("{full_name} ")));
    let selected = step.urpm.selected();
    let conflict = || {
        selected
            .filter(|other| *other != id)
            .find_map(|other| step.urpm.conflicts_between(id, other))
    };
    said.or_else(conflict)
}

fn name_of(step: &Step, id: PackageId) -> String {
    step.urpm.universe().package(id).name.clone()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        compss::Group,
        era::Era,
        flags::Flags,
        rating::Ratings,
        rpmsrate,
        urpm::{Installed, Medium, NameList, Options, Universe, Urpm},
    };

    const MEDIA: &str = "@provides@base[== 1-1]\n@info@base-1-1.noarch@0@100@G\n\
        @provides@kde[== 1-1]\n@requires@lib@sound\n@suggests@tips\n@info@kde-1-1.noarch@0@100@G\n\
        @provides@lib[== 1-1]\n@info@lib-1-1.noarch@0@100@G\n@provides@pulse[== 1-1]@sound\n@info@pulse-1-1.noarch@0@100@G\n\
        @provides@tips[== 1-1]\n@info@tips-1-1.noarch@0@100@G\n@provides@gnome[== 1-1]\n@info@gnome-1-1.noarch@0@100@G\n\
        @provides@laptop-tool[== 1-1]\n@info@laptop-tool-1-1.noarch@0@100@G\n@provides@rival[== 1-1]\n@conflicts@kde\n@info@rival-1-1.noarch@0@100@G\n\
        @provides@low[== 1-1]\n@info@low-1-1.noarch@0@100@G\n@provides@huge[== 1-1]\n@info@huge-1-1.noarch@0@9000@G\n\
        @provides@after[== 1-1]\n@info@after-1-1.noarch@0@1@G\n@provides@skipped[== 1-1]\n@info@skipped-1-1.noarch@0@1@G\n\
        @provides@loose[== 1-1]\n@info@loose-1-1.noarch@0@1@G\n";
    const RATES: &str = "CAT_KDE\n  5 kde\n  5 rival\nCAT_GNOME\n  5 gnome\nCAT_SYSTEM\n  5 TYPE\"laptop\" laptop-tool\n  2 low\n  4 huge after\n  5 skipped\n";

    fn chosen() -> (Step, PassEnd) {
        let packages = escadre_catalog::synthesis::parse("s", MEDIA.as_bytes()).packages;
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
        urpm.skip(&NameList::of(["skipped"]));
        urpm.select_by_names(["base"], true);
        let mut flags = Flags::default();
        let ratings = Ratings::new(
            &mut urpm,
            &rpmsrate::parse("rpmsrate", RATES).0,
            &Machine::default(),
            &flags,
        );
        let kde = Group {
            path: "Desk".to_owned(),
            label: "KDE".to_owned(),
            flags: vec!["KDE".to_owned()],
            ..Group::default()
        };
        flags.set_categories([&kde]);
        let mut step = Step {
            urpm,
            ratings,
            flags,
            groups: vec![kde],
            ticked: vec![true],
            default_packages: Vec::new(),
            level: 4,
            era: Era::Y2010,
            available: 0.0,
            upgrade: false,
            no_docs: false,
        };
        let end = step.pass(4, 1000.0);
        (step, end)
    }

    #[test]
    fn one_line_each() {
        let (step, end) = chosen();
        for (name, expected) in [
            ("base", "base package → base"),
            ("kde", "rpmsrate:2 → Desk|KDE → rate 5 → kde"),
            ("lib", "rpmsrate:2 → Desk|KDE → rate 5 → kde → requires lib"),
            (
                "pulse",
                "rpmsrate:2 → Desk|KDE → rate 5 → kde → requires sound → pulse",
            ),
            (
                "tips",
                "rpmsrate:2 → Desk|KDE → rate 5 → kde → suggests tips",
            ),
            ("gnome", "gnome is not selected"),
        ] {
            assert_eq!(why(&step, name), expected);
        }
        for (name, expected) in [
            (
                "nothing",
                "nothing: no medium has a package of this name that runs here",
            ),
            ("gnome", "gnome: rpmsrate:5 → `CAT_GNOME` does not hold"),
            (
                "laptop-tool",
                "laptop-tool: rpmsrate:7 → `TYPE\"laptop\"` does not hold",
            ),
            ("low", "low: rpmsrate:8 → rate 2 is below the level 4"),
            (
                "rival",
                "rival: rpmsrate:3 → rival-1-1.noarch (due to conflicts with kde-1-1.noarch)",
            ),
            (
                "huge",
                "huge: rpmsrate:9 → cut at rate 4: it was the first that did not fit",
            ),
            (
                "after",
                "after: rpmsrate:9 → cut at rate 4: huge was the first that did not fit",
            ),
            ("skipped", "skipped: on the skip list"),
            (
                "loose",
                "loose: no rule rates it, and nothing that is selected needs it",
            ),
            ("kde", "kde is selected"),
        ] {
            assert_eq!(
                why_not(&step, &Machine::default(), Some(end), name),
                expected
            );
        }
    }
}
