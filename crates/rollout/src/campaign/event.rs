//! What a rollout is told, and what it wants done.

use escadre_model::{
    DeliveryId, HostId, Timestamp,
    delivery::{DeliveryState, RolloutState},
};

use crate::report::{Report, Wish};

/// What happens to a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Time goes by; wanted at [`Campaign::next_tick`], harmless at any other time.
    Tick,
    /// An agent tells a step of one of its deliveries.
    Report(Report),
    /// A person stops it for now.
    Pause {
        /// Who and why, for people.
        reason: String,
    },
    /// A person lets it go on.
    Resume,
    /// A person stops it for good.
    Abort {
        /// Who and why, for people.
        reason: String,
    },
    /// A host is no longer ours.
    HostRemoved {
        /// Which.
        host: HostId,
    },
}

/// What is to be done about it, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The host's orders change: persist the record, wake the host. Without a wish the order is taken off the list.
    OrderChanged {
        /// Whose.
        host: HostId,
        /// Which delivery.
        delivery: DeliveryId,
        /// What is wished now.
        wish: Option<Wish>,
    },
    /// A delivery's record changed: persist it. `from` and `to` are the same when only its progress did.
    DeliveryChanged {
        /// Which.
        delivery: DeliveryId,
        /// On which host.
        host: HostId,
        /// State before.
        from: DeliveryState,
        /// State now.
        to: DeliveryState,
    },
    /// The rollout's header changed: persist it, tell who watches.
    RolloutChanged {
        /// State now.
        state: RolloutState,
        /// Why.
        reason: String,
    },
    /// Every delivery is final; comes once, after [`Effect::RolloutChanged`].
    Finished {
        /// When.
        at: Timestamp,
    },
    /// Something was asked or told that cannot be; keep it for people, nothing changed.
    Noted {
        /// Of which delivery, if of one.
        delivery: Option<DeliveryId>,
        /// A sentence.
        note: String,
    },
}
