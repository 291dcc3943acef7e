//! A refusal in one paragraph: the chain of requirements that ends where nothing is left, or where two packages clash.

use std::collections::{HashMap, VecDeque};

use escadre_catalog::PackageId;
use resolvo::{
    Solver,
    conflict::{Conflict, ConflictCause, ConflictEdge, ConflictGraph, ConflictNode},
};

use crate::provider::Provider;

/// Where from each node of the graph was reached first: from the root along requirements.
type Parents = HashMap<usize, usize>;

/// Tells why there is no solution.
pub(crate) fn paragraph(solver: &Solver<Provider<'_>>, conflict: &Conflict) -> String {
    let graph = conflict.graph(solver);
    let provider = solver.provider();
    let teller = Teller {
        provider,
        graph: &graph,
        parents: parents(&graph),
    };
    let mut sentences = teller.dead_ends();
    if sentences.is_empty() {
        let text = conflict.display_user_friendly(solver).to_string();
        sentences.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    // The shortest chain says it best; what else fails mostly follows from the same choice.
    sentences.sort_by_key(String::len);
    match sentences.as_slice() {
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first}; {} other ways end no better", rest.len()),
        [] => "the request cannot be met".to_owned(),
    }
}

fn parents(graph: &ConflictGraph) -> Parents {
    let root = graph.root_node.index();
    let mut next: HashMap<usize, Vec<usize>> = HashMap::new();
    for edge in graph.graph.raw_edges() {
        if matches!(edge.weight, ConflictEdge::Requires(_)) {
            next.entry(edge.source().index())
                .or_default()
                .push(edge.target().index());
        }
    }
    let mut parents = Parents::new();
    let mut queue = VecDeque::from([root]);
    while let Some(node) = queue.pop_front() {
        for &target in next.get(&node).into_iter().flatten() {
            if target != root && !parents.contains_key(&target) {
                parents.insert(target, node);
                queue.push_back(target);
            }
        }
    }
    parents
}

struct Teller<'t, 'c> {
    provider: &'t Provider<'c>,
    graph: &'t ConflictGraph,
    parents: Parents,
}

impl Teller<'_, '_> {
    fn dead_ends(&self) -> Vec<String> {
        let mut sentences: Vec<String> = Vec::new();
        for edge in self.graph.graph.raw_edges() {
            let (from, to) = (edge.source().index(), edge.target().index());
            let cause = match edge.weight {
                ConflictEdge::Conflict(cause) => Some(cause),
                ConflictEdge::Requires(_) => None,
            };
            let sentence = match (cause, self.node(to)) {
                (None, Some(ConflictNode::UnresolvedDependency)) => {
                    Some(format!("{}, for which there is nothing", self.chain(from)))
                }
                (Some(ConflictCause::Excluded), Some(ConflictNode::Excluded(why))) => {
                    Some(self.excluded(from, &self.provider.text(why)))
                }
                (Some(ConflictCause::Constrains(_)), _) => Some(format!(
                    "{}, which conflicts with {}",
                    self.chain(from),
                    self.clash(to)
                )),
                (Some(ConflictCause::ForbidMultipleInstances), _) => Some(format!(
                    "{}, beside which there is no place for {}",
                    self.chain(from),
                    self.clash(to)
                )),
                (Some(ConflictCause::Locked(_)), _) => Some(format!(
                    "{}, but the installed version of it has to stay",
                    self.chain(to)
                )),
                _ => None,
            };
            sentences.extend(sentence.filter(|sentence| !sentences.contains(sentence)));
        }
        sentences
    }

    fn node(&self, index: usize) -> Option<ConflictNode> {
        self.graph
            .graph
            .raw_nodes()
            .get(index)
            .map(|node| node.weight)
    }

    fn package(&self, index: usize) -> Option<PackageId> {
        match self.node(index)? {
            ConflictNode::Solvable(solvable) => Some(PackageId(solvable.into_raw())),
            _ => None,
        }
    }

    fn name(&self, package: PackageId) -> String {
        format!(
            "{} {}",
            self.provider.catalog.name(package),
            self.provider.catalog.version(package)
        )
    }

    /// `app 1.0 requires libfoo 2.0, which requires bar 3`.
    fn chain(&self, node: usize) -> String {
        let mut nodes = vec![node];
        while let Some(&parent) = nodes.last().and_then(|last| self.parents.get(last)) {
            nodes.push(parent);
        }
        let names: Vec<String> = nodes
            .iter()
            .rev()
            .filter_map(|&node| self.package(node))
            .map(|p| self.name(p))
            .collect();
        match names.split_first() {
            None => "the request".to_owned(),
            Some((first, [])) => first.clone(),
            Some((first, rest)) => format!("{first} requires {}", rest.join(", which requires ")),
        }
    }

    /// The other side of a clash, with who asks for it.
    fn clash(&self, node: usize) -> String {
        let Some(package) = self.package(node) else {
            return self.chain(node);
        };
        match self
            .parents
            .get(&node)
            .and_then(|&parent| self.package(parent))
        {
            Some(parent) => format!("{} (required by {})", self.name(package), self.name(parent)),
            None => self.name(package),
        }
    }

    fn excluded(&self, node: usize, why: &str) -> String {
        let chain = self.chain(node);
        let alone = self
            .parents
            .get(&node)
            .is_none_or(|&parent| self.package(parent).is_none());
        match (why.starts_with("requires"), alone) {
            (true, true) => format!("{chain} {why}"),
            (true, false) => format!("{chain}, which {why}"),
            (false, _) => format!("{chain}, which is {why}"),
        }
    }
}
