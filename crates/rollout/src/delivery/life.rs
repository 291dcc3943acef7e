//! One delivery on its host: what it wants next.

use std::time::Duration;

use escadre_model::{Timestamp, delivery::DeliveryState, delivery::Refusal};

use super::{Fault, KeptLife};
use crate::report::Wish;

/// Times that a repeatable action is begun, crashes of the host included; then it is interrupted for good.
pub const ATTEMPTS: u32 = 3;

const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// A delivery with what does not outlive the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// What the journal says of it.
    pub kept: KeptLife,
    /// An effect for it is under way.
    pub(super) busy: Busy,
    /// After a fault that may pass: not before.
    pub(super) retry: Option<Timestamp>,
    /// Faults in a row.
    pub(super) faults: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Busy {
    No,
    Fetching,
    Preparing,
    Applying,
    Observing,
}

/// What a delivery would do now, if it is its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    Nothing,
    StopFetch,
    Fetch,
    Prepare,
    Observe,
    End(DeliveryState, Option<Refusal>, &'static str),
}

impl Life {
    pub(super) fn new(kept: KeptLife) -> Self {
        Self {
            kept,
            busy: Busy::No,
            retry: None,
            faults: 0,
        }
    }

    /// Where it stands.
    pub fn state(&self) -> DeliveryState {
        self.kept.state
    }

    pub(super) fn next(&self, now: Timestamp) -> Next {
        match (self.kept.state, self.busy) {
            (state, busy) if state < DeliveryState::Applying => self
                .end_before_begin(now)
                .unwrap_or_else(|| self.before_begin(now, busy)),
            (DeliveryState::Applying, Busy::No | Busy::Preparing) => self.after_interruption(now),
            (DeliveryState::Observing, Busy::No) => Next::Observe,
            _ => Next::Nothing,
        }
    }

    /// When time alone changes what it would do.
    pub(super) fn next_wake(&self, now: Timestamp) -> Option<Timestamp> {
        if self.kept.state > DeliveryState::Applying || self.busy == Busy::Applying {
            return None;
        }
        let bundle_end = self.kept.terms.as_ref().and_then(|terms| terms.expires);
        let begin = self.kept.order.not_before;
        let retry = self.retry.filter(|_| self.busy == Busy::No);
        let times = [self.kept.order.expires, bundle_end, begin, retry];
        // What is due already was considered when it became due: it waits for something else than time.
        times.into_iter().flatten().filter(|at| *at > now).min()
    }

    /// Notes a fault that may pass. The pause grows; `spread` (any number of the delivery) keeps hosts apart.
    pub(super) fn pause(&mut self, now: Timestamp, spread: u64) {
        let doubled = FIRST_PAUSE
            .saturating_mul(1 << self.faults.min(8))
            .min(LONGEST_PAUSE);
        let pause = doubled.mul_f64(0.75 + (spread % 64) as f64 / 128.0);
        self.faults = self.faults.saturating_add(1);
        self.retry = now.checked_add(pause).ok();
        self.busy = Busy::No;
    }

    /// A clock that was put back must not make a pause longer.
    fn is_pausing(&self, now: Timestamp) -> bool {
        let latest = now.checked_add(LONGEST_PAUSE * 2).unwrap_or(Timestamp::MAX);
        self.retry.is_some_and(|at| now < at && at <= latest)
    }

    fn end_before_begin(&self, now: Timestamp) -> Option<Next> {
        let order = &self.kept.order;
        if order.wish == Wish::Cancel {
            return Some(Next::End(DeliveryState::Cancelled, None, ""));
        }
        if order.expires.is_some_and(|at| at <= now) {
            return Some(Next::End(DeliveryState::Expired, None, ""));
        }
        let at = self.kept.terms.as_ref()?.expires.filter(|at| *at <= now)?;
        let refusal = Refusal::Expired {
            what: format!("bundle {}", order.bundle),
            at: at.to_string(),
        };
        Some(Next::End(DeliveryState::Refused, Some(refusal), ""))
    }

    fn before_begin(&self, now: Timestamp, busy: Busy) -> Next {
        let order = &self.kept.order;
        let early = order.not_before.is_some_and(|at| now < at);
        match (order.wish, busy) {
            (Wish::Go, Busy::No) if early || self.is_pausing(now) => Next::Nothing,
            (Wish::Go, Busy::No) if self.kept.state == DeliveryState::Verified => Next::Prepare,
            (Wish::Go, Busy::No) => Next::Fetch,
            (Wish::Hold | Wish::Cancel, Busy::Fetching) => Next::StopFetch,
            _ => Next::Nothing,
        }
    }

    /// The journal says that it was begun, and nobody knows how far it came.
    fn after_interruption(&self, now: Timestamp) -> Next {
        let order = &self.kept.order;
        let repeatable = self
            .kept
            .terms
            .as_ref()
            .is_some_and(|terms| terms.repeatable);
        let over = order.expires.is_some_and(|at| at <= now);
        let end = |why| Next::End(DeliveryState::Interrupted, None, why);
        match order.wish {
            _ if !repeatable => {
                end("the host was lost while the action ran, and the bundle may not be repeated")
            }
            _ if self.kept.attempts >= ATTEMPTS => {
                end("the host was lost each time that the action ran")
            }
            _ if over => {
                end("the host was lost while the action ran, and the time to repeat it is over")
            }
            Wish::Cancel => end(
                "the host was lost while the action ran, and it was called back before a repetition",
            ),
            Wish::Go if self.busy == Busy::No && !self.is_pausing(now) => Next::Prepare,
            Wish::Go | Wish::Hold => Next::Nothing,
        }
    }

    /// The state and refusal in which a fault ends it; none if it may pass.
    pub(super) fn end_of(fault: Fault) -> Result<(DeliveryState, Option<Refusal>, String), String> {
        match fault {
            Fault::Refused(refusal) => Ok((DeliveryState::Refused, Some(refusal), String::new())),
            Fault::Failed(message) => Ok((DeliveryState::Failed, None, message)),
            Fault::Passing(message) => Err(message),
        }
    }
}
