//! A package that is listed twice: one set of flags is made of two (the DrakX reference §2.2).

use std::sync::Arc;

/// How long a joined flag may grow: far beyond any person's file, and no listing over and over gets further.
const LENGTH_LIMIT: usize = 1 << 14;

/// The flags that hold for both listings, or nothing if they differ in too many.
pub(super) fn merge(new: &[Arc<str>], previous: &[Arc<str>]) -> Option<Vec<Arc<str>>> {
    let without = |list: &[Arc<str>], other: &[Arc<str>]| -> Vec<Arc<str>> {
        list.iter()
            .filter(|flag| !other.contains(flag))
            .cloned()
            .collect()
    };
    let mut common: Vec<Arc<str>> = Vec::new();
    for flag in new {
        if previous.contains(flag) && !common.contains(flag) {
            common.push(flag.clone());
        }
    }
    match (
        without(new, previous).as_slice(),
        without(previous, new).as_slice(),
    ) {
        ([], _) | (_, []) => Some(common),
        ([ours], [theirs]) if ours.len() + theirs.len() < LENGTH_LIMIT => {
            common.push(format!("{ours}||{theirs}").into());
            Some(common)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(new: &str, previous: &str, expected: Option<&str>) {
        let list =
            |text: &str| -> Vec<Arc<str>> { text.split_whitespace().map(Arc::from).collect() };
        assert_eq!(
            merge(&list(new), &list(previous)),
            expected.map(list),
            "{new} after {previous}"
        );
    }

    #[test]
    fn weaker_or_joined() {
        check("LIVE SYSTEM", "SYSTEM", Some("SYSTEM"));
        check("SYSTEM", "LIVE SYSTEM", Some("SYSTEM"));
        check("A", "A", Some("A"));
        check("A K", "B K", Some("K A||B"));
        check("C", "B||A", Some("C||B||A"));
        check("A K", "B L", None);
        check("A", "B L", None);
        check("A B", "", Some(""));
    }
}
