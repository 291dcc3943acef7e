//! OpenPGP signatures, judged by the system's `gpgv` with the keyrings that the administrator trusts.
//!
//! What counts as signed is what gpgv gives back, never the file around it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use base64::Engine;

use crate::error::RepositoryError;

/// By whom metadata are vouched for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// By the key of this fingerprint.
    Signed(String),
    /// By nobody: accepted by an explicit word.
    Unsigned,
}

/// The keyrings that apt trusts for every repository, and those that distributions install.
pub fn system_keyrings(root: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = [
        "etc/apt/trusted.gpg.d",
        "etc/apt/keyrings",
        "usr/share/keyrings",
    ]
    .iter()
    .filter_map(|folder| std::fs::read_dir(root.join(folder)).ok())
    .flatten()
    .filter_map(Result::ok)
    .map(|entry| entry.path())
    .filter(|path| {
        path.extension()
            .is_some_and(|end| matches!(end.to_str(), Some("gpg" | "asc" | "pgp")))
    })
    .filter(|path| !path.to_string_lossy().contains("removed"))
    .collect();
    found.extend(Some(root.join("etc/apt/trusted.gpg")).filter(|path| path.exists()));
    found.sort();
    found
}

/// A text with its signature.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signed<'a> {
    /// Both in one file.
    Inline(&'a [u8]),
    /// The signature apart.
    Detached(&'a [u8], &'a [u8]),
}

/// Judges a signature. Returns the signed text and the fingerprint of the key. `place` is for errors.
pub(crate) fn verify(
    place: &str,
    signed: Signed<'_>,
    keyrings: &[PathBuf],
) -> Result<(Vec<u8>, String), RepositoryError> {
    let folder =
        tempfile::tempdir().map_err(RepositoryError::file("create", std::env::temp_dir()))?;
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes)
            .map_err(RepositoryError::file("write", &path))
            .map(|()| path)
    };
    let mut command = Command::new("gpgv");
    command
        .args(["--homedir"])
        .arg(folder.path())
        .args(["--status-fd", "1"]);
    for (index, keyring) in keyrings.iter().enumerate() {
        command.arg("--keyring").arg(write(
            &format!("keyring{index}.gpg"),
            &binary_keyring(keyring)?,
        )?);
    }
    let output = folder.path().join("signed");
    match signed {
        Signed::Inline(text) => {
            command
                .arg("--output")
                .arg(&output)
                .arg(write("inline", text)?);
        }
        Signed::Detached(text, signature) => {
            command
                .arg(write("signature", signature)?)
                .arg(write("text", text)?);
        }
    }
    command.stdin(Stdio::null());
    let said = command.output().map_err(|error| RepositoryError::Program {
        program: "gpgv",
        message: format!("{error} (install the package gpgv)"),
    })?;
    let status = String::from_utf8_lossy(&said.stdout);
    let bad = |reason: String| RepositoryError::Signature {
        place: place.to_owned(),
        reason,
    };
    let key = judge(&status).map_err(bad)?;
    match signed {
        Signed::Inline(_) => {
            let text = std::fs::read(&output).map_err(RepositoryError::file("read", &output))?;
            Ok((text, key))
        }
        Signed::Detached(text, _) => Ok((text.to_vec(), key)),
    }
}

/// Reads gpgv's status lines: one good signature by a valid key with a sound digest, and no bad one.
fn judge(status: &str) -> Result<String, String> {
    let mut good = false;
    let mut key = None;
    let mut reasons: Vec<String> = Vec::new();
    for line in status
        .lines()
        .filter_map(|line| line.strip_prefix("[GNUPG:] "))
    {
        let mut words = line.split(' ');
        let rest = |words: std::str::Split<'_, char>| words.collect::<Vec<_>>().join(" ");
        match words.next() {
            Some("GOODSIG") => good = true,
            Some("BADSIG") => return Err("the text was altered after it was signed".to_owned()),
            Some("EXPSIG") => reasons.push("the signature has expired".to_owned()),
            Some("EXPKEYSIG") => reasons.push(format!("the key has expired ({})", rest(words))),
            Some("REVKEYSIG") => reasons.push(format!("the key was revoked ({})", rest(words))),
            Some("NO_PUBKEY") => reasons.push(format!("the key {} is in no keyring", rest(words))),
            Some("NODATA") => reasons.push("there is no signature in it".to_owned()),
            Some("VALIDSIG") if good => {
                good = false;
                let fields: Vec<&str> = words.collect();
                // Field 8 is the digest: 1 MD5, 2 SHA-1, 3 RIPE-MD.
                match (fields.first(), fields.get(7)) {
                    (_, Some(&("1" | "2" | "3"))) => {
                        reasons.push("its digest is too weak".to_owned())
                    }
                    (Some(fingerprint), Some(_)) => key = Some((*fingerprint).to_owned()),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    key.ok_or_else(|| {
        if reasons.is_empty() {
            "gpgv finds no good signature".to_owned()
        } else {
            reasons.join("; ")
        }
    })
}

/// gpgv reads binary keyrings only: an armored one is unwrapped.
fn binary_keyring(path: &Path) -> Result<Vec<u8>, RepositoryError> {
    let bytes = std::fs::read(path).map_err(RepositoryError::file("read", path))?;
    if !bytes.starts_with(b"-----BEGIN PGP") {
        return Ok(bytes);
    }
    let text = String::from_utf8_lossy(&bytes);
    let body: String = text
        .lines()
        .skip_while(|line| !line.trim().is_empty())
        .map(str::trim)
        .take_while(|line| !line.starts_with('=') && !line.starts_with("-----END"))
        .collect();
    base64::engine::general_purpose::STANDARD
        .decode(body)
        .map_err(|_| RepositoryError::Signature {
            place: path.display().to_string(),
            reason: "this keyring's armor is broken".to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_lines() {
        let valid = "[GNUPG:] VALIDSIG AAAA 2026-01-01 1 0 4 0 1 10 00 BBBB";
        for (status, expected) in [
            (format!("[GNUPG:] GOODSIG X name\n{valid}"), Ok("AAAA")),
            (
                format!("[GNUPG:] NO_PUBKEY Y\n[GNUPG:] GOODSIG X name\n{valid}"),
                Ok("AAAA"),
            ),
            (
                format!("[GNUPG:] EXPKEYSIG X name\n{valid}"),
                Err("the key has expired (X name)"),
            ),
            (
                format!("[GNUPG:] GOODSIG X name\n{valid}\n[GNUPG:] BADSIG Z name"),
                Err("the text was altered after it was signed"),
            ),
            (
                "[GNUPG:] GOODSIG X n\n[GNUPG:] VALIDSIG A d 1 0 4 0 1 2 00 B".to_owned(),
                Err("its digest is too weak"),
            ),
            (valid.to_owned(), Err("gpgv finds no good signature")),
            (String::new(), Err("gpgv finds no good signature")),
        ] {
            assert_eq!(
                judge(&status).as_deref().map_err(String::as_str),
                expected,
                "{status}"
            );
        }
    }
}
