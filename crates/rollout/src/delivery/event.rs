//! What the ledger is told, and what it wants done.

use escadre_model::{DeliveryId, delivery::Refusal};

use super::{Entry, Order, Orders, Terms};
use crate::report::{Outcome, Progress};

/// What happens to the deliveries of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Time goes by, or the process has just begun; wanted at [`Ledger::next_wake`].
    Tick,
    /// The server answered.
    Orders(Orders),
    /// How far [`Effect::Fetch`] is. Told on when the report before has arrived.
    Progress(DeliveryId, Progress),
    /// [`Effect::Fetch`] ended: manifest and every chunk are here and verified, or not.
    Fetched(DeliveryId, Result<Terms, Fault>),
    /// [`Effect::Prepare`] ended: everything is laid out for the action, or not.
    Prepared(DeliveryId, Result<(), Fault>),
    /// [`Effect::Apply`] ended; with a sentence if not well.
    Applied(DeliveryId, Outcome, Option<String>),
    /// [`Effect::Observe`] ended; with a sentence if something does not hold.
    Observed(DeliveryId, Option<String>),
}

/// Why something before the action did not go well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The host does not take it.
    Refused(Refusal),
    /// It cannot be, and trying again would not help.
    Failed(String),
    /// It may go better later.
    Passing(String),
}

/// What is to be done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Append to the journal and sync it. If that fails, drop the ledger and all effects behind this one, and recover.
    Journal(Entry),
    /// Fetch and verify the manifest, then every chunk that lacks; answered by [`Event::Fetched`].
    Fetch(Order),
    /// Stop fetching; what is here stays. No answer.
    StopFetch(DeliveryId),
    /// Lay out the content of the manifest with that hash; answered by [`Event::Prepared`].
    Prepare(Order, Terms),
    /// Run the action; answered by [`Event::Applied`].
    Apply(Order, Terms),
    /// See whether it worked; answered by [`Event::Observed`].
    Observe(Order, Terms),
    /// It ended: stop what still is under way for it; what it left in the work folder can go.
    CleanUp(DeliveryId),
    /// There are reports to send.
    Tell,
    /// Something odd, for the log.
    Noted(String),
}
