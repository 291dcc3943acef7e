//! The names of the files that agents ask for. A name comes from outside: what is not exactly one of these is nothing,
//! so that no name ever leaves the folder.

use escadre_model::BundleRef;

pub(crate) const TIMESTAMP_FILE: &str = "timestamp.json";

/// The number in `NUMBER.SUFFIX`, in its one canonical form.
pub(crate) fn version_in(name: &str, suffix: &str) -> Option<u64> {
    let number = name.strip_suffix(suffix)?.strip_suffix('.')?;
    number
        .parse()
        .ok()
        .filter(|version: &u64| version.to_string() == number)
}

/// Whether an agent may ask for this name.
pub(crate) fn is_served(name: &str) -> bool {
    if let Some(rest) = name.strip_prefix("manifests/") {
        return is_manifest(rest);
    }
    let versioned = ["root.json", "targets.json", "snapshot.json"];
    name == TIMESTAMP_FILE
        || versioned
            .iter()
            .any(|suffix| version_in(name, suffix).is_some())
}

/// `NAME/SHA256.VERSION.json`
fn is_manifest(rest: &str) -> bool {
    let parts = || {
        let (name, file) = rest.split_once('/')?;
        let (hash, version) = file.strip_suffix(".json")?.split_once('.')?;
        Some((name, hash, version))
    };
    parts().is_some_and(|(name, hash, version)| {
        let is_hash = hash.len() == 64
            && hash
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_hash && BundleRef::new(name, version).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_our_names_are_served() {
        let hash = "0f".repeat(32);
        let manifest = format!("manifests/hello/{hash}.1.0~rc1.json");
        for good in [
            "timestamp.json",
            "1.root.json",
            "12.targets.json",
            "1800000000.snapshot.json",
            &manifest,
        ] {
            assert!(is_served(good), "{good}");
        }
        let dotted = format!("manifests/../{hash}.1.json");
        let upper = manifest.replace('f', "F");
        let deep = format!("manifests/a/b/{hash}.1.json");
        for bad in [
            "",
            "root.json",
            "01.root.json",
            "+1.root.json",
            "-1.root.json",
            "../1.root.json",
            "/etc/passwd",
            "1.root.json/..",
            "manifests/",
            "manifests/hello/x.1.json",
            "1.root.json\0",
            &dotted,
            &upper,
            &deep,
        ] {
            assert!(!is_served(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_served_name_never_leaves_the_folder(name in "\\PC{0,40}", tail in "[a-z0-9./]{0,80}") {
            for name in [name.clone(), format!("manifests/{tail}"), format!("{name}.root.json")] {
                if is_served(&name) {
                    prop_assert!(!name.starts_with('/') && name.split('/').all(|part| part != ".." && !part.is_empty()));
                }
            }
        }
    }
}
