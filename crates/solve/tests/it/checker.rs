//! An independent judge: plain loops over all packages, no index, no solver.

use std::collections::{BTreeSet, HashSet};

use escadre_catalog::{
    Catalog, Op, PackageId, RelationKind,
    catalog::{Atom, Demand, Group},
};
use escadre_model::{inventory::PackageKind, version};
use escadre_solve::{Reason, Request, Solution};

/// Whether a package answers an alternative, by its own relations.
fn answers(catalog: &Catalog, package: PackageId, atom: &Atom<'_>) -> bool {
    let Demand::Range(op, wanted) = atom.demand else {
        return false;
    };
    let fits =
        |have: &str| op == Op::Any || op.accepts(version::compare(catalog.kind(), have, wanted));
    if let Some((name, arch)) = catalog.name_text(atom.name).rsplit_once(':') {
        return catalog.name(package) == name
            && catalog.arch(package) == arch
            && fits(catalog.version(package));
    }
    if catalog.name_of(package) == atom.name && fits(catalog.version(package)) {
        return true;
    }
    catalog
        .relations(package)
        .of(RelationKind::Provides)
        .flat_map(Group::atoms)
        .any(|provided| {
            provided.name == atom.name
                && match provided.demand {
                    _ if op == Op::Any => true,
                    Demand::Range(Op::Equal, have) => fits(have),
                    Demand::Range(Op::Any, _) => catalog.kind() == PackageKind::Rpm,
                    _ => false,
                }
        })
}

/// All that is wrong with a solution, in words. Rich dependencies are not judged here.
pub(crate) fn faults(catalog: &Catalog, request: &Request, solution: &Solution) -> Vec<String> {
    let chosen: Vec<PackageId> = solution
        .packages
        .iter()
        .map(|chosen| chosen.package)
        .collect();
    let installed: HashSet<PackageId> = request.installed.iter().copied().collect();
    let mut faults = Vec::new();
    let name =
        |package: PackageId| format!("{} {}", catalog.name(package), catalog.version(package));
    let any = |group: Group<'_>| {
        chosen
            .iter()
            .any(|&other| group.atoms().any(|atom| answers(catalog, other, &atom)))
    };
    for &package in &chosen {
        for group in catalog.relations(package).of(RelationKind::Requires) {
            let rich = group
                .atoms()
                .any(|atom| matches!(atom.demand, Demand::Rich(_)));
            // What is installed is held to what it had.
            let due = !installed.contains(&package) || met_before(catalog, request, group);
            if !rich && !any(group) && due {
                faults.push(format!("{}: {group} is not met", name(package)));
            }
        }
        for kind in [RelationKind::Conflicts, RelationKind::Breaks] {
            for atom in catalog.relations(package).of(kind).flat_map(Group::atoms) {
                for &other in &chosen {
                    let both_there = installed.contains(&package) && installed.contains(&other);
                    if other != package && !both_there && answers(catalog, other, &atom) {
                        faults.push(format!("{} conflicts with {}", name(package), name(other)));
                    }
                }
            }
        }
    }
    let slots: BTreeSet<(&str, &str)> = chosen
        .iter()
        .map(|&package| (catalog.name(package), slot(catalog, package)))
        .collect();
    if slots.len() != chosen.len() {
        faults.push("a name twice".to_owned());
    }
    for wanted in &request.wanted {
        let met = chosen.iter().any(|&package| {
            catalog.name_id(&wanted.name).is_some_and(|name| {
                let demand = Demand::Range(wanted.op, &wanted.version);
                answers(
                    catalog,
                    package,
                    &Atom {
                        name,
                        demand,
                        any_arch: true,
                        before: false,
                    },
                )
            })
        });
        if !met {
            faults.push(format!("{wanted} is not there"));
        }
    }
    for &package in &request.installed {
        let stays = chosen.iter().any(|&other| {
            (catalog.name(other), slot(catalog, other))
                == (catalog.name(package), slot(catalog, package))
        });
        if !stays && catalog.kind() == PackageKind::Deb {
            faults.push(format!("{} goes away", name(package)));
        }
    }
    faults.extend(groundless(catalog, request, solution));
    faults
}

/// Whether something installed meets a dependency.
fn met_before(catalog: &Catalog, request: &Request, group: Group<'_>) -> bool {
    let mut installed = request.installed.iter();
    installed.any(|&other| group.atoms().any(|atom| answers(catalog, other, &atom)))
}

fn slot(catalog: &Catalog, package: PackageId) -> &str {
    match catalog.arch(package) {
        "all" => "amd64",
        arch => arch,
    }
}

/// Packages whose reason does not hold, or comes after them.
fn groundless(catalog: &Catalog, request: &Request, solution: &Solution) -> Vec<String> {
    let mut faults = Vec::new();
    let mut before = HashSet::new();
    for chosen in &solution.packages {
        if let Reason::Asked {
            by,
            kind,
            dependency,
        } = &chosen.reason
        {
            let group = catalog
                .relations(*by)
                .of(*kind)
                .find(|group| group.to_string() == *dependency);
            let rich = dependency.starts_with('(');
            let holds = group.is_some_and(|group| {
                rich || group
                    .atoms()
                    .any(|atom| answers(catalog, chosen.package, &atom))
            });
            let new = !request.installed.contains(&chosen.package);
            let idle = new
                && request.installed.contains(by)
                && !rich
                && !group.is_some_and(|group| met_before(catalog, request, group));
            if !holds || idle || !before.contains(by) {
                faults.push(format!(
                    "{} is there for no reason",
                    catalog.name(chosen.package)
                ));
            }
        }
        before.insert(chosen.package);
    }
    faults
}
