//! Every file of the corpus, as the fuzzer would feed it.

#[test]
fn the_corpus_is_replayed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect("the corpus lies beside the tests") {
        let bytes = std::fs::read(entry.expect("readable").path()).expect("readable");
        crate::robustness::feed(&bytes);
        // Cut anywhere and with a byte changed it is as good a piece of malice.
        for at in (0..bytes.len()).step_by(bytes.len() / 20 + 1) {
            crate::robustness::feed(&bytes[..at]);
            let mut changed = bytes.clone();
            changed[at] ^= 0x21;
            crate::robustness::feed(&changed);
        }
        count += 1;
    }
    assert!(count >= 8, "{count} files");
}
