//! Passwords of people: Argon2id, kept as a PHC string that carries its own parameters.
//!
//! Parameters: 19 MiB of memory, 2 passes, 1 lane (the OWASP minimum for Argon2id), 16 bytes of salt, 32 of hash: about
//! 20 ms of one core. Both functions are slow on purpose: call them in `spawn_blocking`, under a semaphore.

use std::sync::OnceLock;

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::{Error as HashError, phc::PasswordHash as Phc},
};

use crate::{SecretString, TrustError, secret};

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Longer passwords are refused, so that nobody can keep the server busy with megabytes.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// Hashes a password for the store.
pub fn hash(password: &SecretString) -> Result<String, TrustError> {
    let text = password.expose().as_bytes();
    if text.len() > MAX_PASSWORD_BYTES {
        return Err(TrustError::PasswordHash(format!(
            "a password has at most {MAX_PASSWORD_BYTES} bytes"
        )));
    }
    let salt: [u8; 16] = secret::random()?;
    let phc = argon2()
        .hash_password_with_salt(text, &salt)
        .map_err(unusable)?;
    Ok(phc.to_string())
}

/// Whether the password is the one of the stored hash. An error means that the stored hash is damaged.
pub fn verify(password: &SecretString, stored: &str) -> Result<bool, TrustError> {
    let text = password.expose().as_bytes();
    let phc = Phc::new(stored).map_err(unusable)?;
    let params = Params::try_from(&phc).map_err(unusable)?;
    if params.m_cost() > 16 * MEMORY_KIB || params.t_cost() > 64 || params.p_cost() > 64 {
        return Err(TrustError::PasswordHash(
            "the stored parameters ask for too much work".to_owned(),
        ));
    }
    if text.len() > MAX_PASSWORD_BYTES {
        return Ok(false);
    }
    match argon2().verify_password(text, &phc) {
        Ok(()) => Ok(true),
        Err(HashError::PasswordInvalid) => Ok(false),
        Err(error) => Err(unusable(error)),
    }
}

/// Does the work of [`verify`] for a user who does not exist, so that the time tells nobody which names do.
pub fn verify_nobody(password: &SecretString) -> Result<(), TrustError> {
    static NOBODY: OnceLock<String> = OnceLock::new();
    let stored = match NOBODY.get() {
        Some(stored) => stored,
        None => {
            let random = hash(&SecretString::new(hex::encode(secret::random::<32>()?)))?;
            NOBODY.get_or_init(|| random)
        }
    };
    verify(password, stored).map(drop)
}

/// The hash was made with weaker parameters than today's: hash again at the next good sign-in.
pub fn is_outdated(stored: &str) -> bool {
    Phc::new(stored)
        .ok()
        .and_then(|phc| Params::try_from(&phc).ok())
        .is_none_or(|params| {
            params.m_cost() < MEMORY_KIB
                || params.t_cost() < PASSES
                || !stored.starts_with("$argon2id$v=19$")
        })
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(32))
        .expect("the constants are within Argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn unusable(error: impl std::fmt::Display) -> TrustError {
    TrustError::PasswordHash(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_verifies() -> Result<(), TrustError> {
        let stored = hash(&SecretString::new("correct horse"))?;
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert_ne!(stored, hash(&SecretString::new("correct horse"))?, "salted");
        for (given, expected) in [
            ("correct horse", true),
            ("Correct horse", false),
            ("", false),
        ] {
            assert_eq!(
                verify(&SecretString::new(given), &stored)?,
                expected,
                "{given}"
            );
        }
        assert!(!is_outdated(&stored));
        verify_nobody(&SecretString::new("x"))
    }

    /// A vector of the reference implementation's own tests (2 passes, 2^16 KiB, 1 lane, `password`, `somesalt`).
    #[test]
    fn a_hash_of_another_implementation_verifies() -> Result<(), TrustError> {
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(verify(&SecretString::new("password"), stored)?);
        assert!(!verify(&SecretString::new("differentpassword"), stored)?);
        Ok(())
    }

    #[test]
    fn damaged_and_greedy_hashes_are_errors() {
        for stored in [
            "",
            "$argon2id$",
            "plain",
            "$argon2id$v=19$m=4000000,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y",
        ] {
            assert!(
                verify(&SecretString::new("password"), stored).is_err(),
                "{stored}"
            );
        }
        assert!(hash(&SecretString::new("x".repeat(2000))).is_err());
        assert!(is_outdated(
            "$argon2id$v=19$m=4096,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
        ));
    }
}
