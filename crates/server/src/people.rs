//! Guards at the doors for people and machines: how often a secret may be tried, how many passwords are checked at once.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use escadre_api::{ApiError, ApiResult, ErrorKind};
use tokio::sync::Semaphore;

/// Keys that one guard remembers. Beyond it the oldest are forgotten.
const REMEMBERED: usize = 20_000;

/// Counts failures by key; too many within a span close the door for that key until the span is over.
#[derive(Debug)]
pub(crate) struct Guard {
    failures: Mutex<HashMap<String, (u32, Instant)>>,
    allowed: u32,
    span: Duration,
}

impl Guard {
    fn new(allowed: u32, span: Duration) -> Self {
        Self {
            failures: Mutex::new(HashMap::new()),
            allowed,
            span,
        }
    }

    /// Refuses when the key has failed too often.
    pub(crate) fn check(&self, key: &str) -> ApiResult<()> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((count, since)) = failures.get(key) else {
            return Ok(());
        };
        let left = self.span.saturating_sub(since.elapsed());
        if *count < self.allowed || left.is_zero() {
            return Ok(());
        }
        let minutes = left.as_secs().div_ceil(60);
        Err(ApiError::new(
            ErrorKind::TooMany,
            "sign_in.too_often",
            "too many attempts failed",
        )
        .with_hint(format!("try again in {minutes} min")))
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, key: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= REMEMBERED {
            let span = self.span;
            failures.retain(|_, (_, since)| since.elapsed() < span);
            if failures.len() >= REMEMBERED {
                failures.clear();
            }
        }
        let entry = failures
            .entry(key.to_owned())
            .or_insert((0, Instant::now()));
        if entry.1.elapsed() >= self.span {
            *entry = (0, Instant::now());
        }
        entry.0 = entry.0.saturating_add(1);
    }

    /// Forgets the failures of a key that succeeded.
    pub(crate) fn succeeded(&self, key: &str) {
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
    }
}

/// Every guard.
#[derive(Debug)]
pub(crate) struct Guards {
    /// Sign-in by name.
    pub(crate) names: Guard,
    /// Sign-in, tokens and enrolment by address.
    pub(crate) addresses: Guard,
    /// Passwords checked at once: each takes 19 MiB and a core.
    pub(crate) passwords: Semaphore,
}

impl Default for Guards {
    fn default() -> Self {
        let quarter = Duration::from_secs(15 * 60);
        Self {
            names: Guard::new(10, quarter),
            addresses: Guard::new(50, quarter),
            passwords: Semaphore::new(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_failures_close_the_door_for_that_key_only() {
        let guard = Guard::new(3, Duration::from_secs(60));
        for _ in 0..3 {
            assert!(guard.check("alice").is_ok());
            guard.failed("alice");
        }
        let refused = guard.check("alice").expect_err("closed");
        assert_eq!(
            (refused.kind, refused.hint.as_deref()),
            (ErrorKind::TooMany, Some("try again in 1 min"))
        );
        assert!(guard.check("bob").is_ok());
        guard.succeeded("alice");
        assert!(guard.check("alice").is_ok());
    }

    #[test]
    fn the_door_opens_again_and_memory_is_bounded() {
        let guard = Guard::new(1, Duration::ZERO);
        for number in 0..REMEMBERED + 10 {
            guard.failed(&number.to_string());
        }
        assert!(guard.check("1").is_ok());
        assert!(guard.failures.lock().expect("no panic").len() <= REMEMBERED);
    }
}
