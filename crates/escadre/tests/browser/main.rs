//! Both UIs in a real browser: Debian's headless Chromium, driven as a person would drive it.
//!
//! Run by `cargo xtask test` (step `browser`), which installs the browser and fetches the accessibility checker.

#[expect(dead_code, reason = "the other test program uses the rest")]
#[path = "../harness/mod.rs"]
mod harness;

mod browser;
mod journey;
mod looks;
