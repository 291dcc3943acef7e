//! The one place of the server that looks at the clock.

use std::time::Duration;

use escadre_model::Timestamp;

/// Now.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// How long until a time; nothing when it has passed.
pub(crate) fn until(time: Timestamp) -> Duration {
    time.duration_since(now()).try_into().unwrap_or_default()
}

/// A time so much later, or the end of time.
pub(crate) fn after(time: Timestamp, span: Duration) -> Timestamp {
    time.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// A time so much earlier, or the beginning of time.
pub(crate) fn before(time: Timestamp, span: Duration) -> Timestamp {
    time.checked_sub(span).unwrap_or(Timestamp::MIN)
}
