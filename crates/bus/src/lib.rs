//! How roles talk: events that everybody may hear, and work that one of them must do.
//!
//! Two ways, because they promise different things:
//!
//! | | [`Bus::publish`] / [`Bus::subscribe`] | [`Bus::send`] / [`Bus::receive`] |
//! |---|---|---|
//! | who gets it | every subscriber of the subject | one receiver of the queue |
//! | when nobody listens | gone | waits |
//! | too slow | told how many it missed ([`Heard::Lagged`]) | the sender waits |
//! | promise | at most once | at least once, until acknowledged |
//!
//! Invariants:
//! - Nothing here grows without bound: every queue has a length.
//! - A message is bytes; [`encode`] and [`decode`] are how typed ones travel, the same in one process and over a wire.
//!
//! Absent on purpose: durability across restarts (what must survive is a row in the store; the bus only says that
//! there is something to look at), and request/reply.

pub mod conformance;
mod local;
mod subject;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

pub use local::LocalBus;
pub use subject::{Pattern, Subject, SubjectError};

/// Why a message did not travel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// The bus is shut down.
    #[error("the bus is closed")]
    Closed,
    /// The message cannot be written or read.
    #[error("message of `{subject}` is not what it should be: {reason}")]
    Document {
        /// Subject or queue.
        subject: String,
        /// What is wrong.
        reason: String,
    },
}

/// A message with its subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is about.
    pub subject: Subject,
    /// Its content.
    pub body: Bytes,
}

/// What a subscriber hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A message.
    Message(Message),
    /// So many messages were lost because the subscriber was too slow: look at everything again.
    Lagged(u64),
}

/// One end of [`Bus::subscribe`].
#[async_trait]
pub trait Subscription: Send {
    /// The next message; `None` once the bus is closed and all is heard.
    async fn next(&mut self) -> Option<Heard>;
}

/// A piece of work in hand. Dropped without [`Work::done`], it goes back to the front of its queue.
pub trait Work: Send {
    /// Its content.
    fn body(&self) -> &Bytes;
    /// How often it has been handed out, this time included.
    fn attempt(&self) -> u32;
    /// It is done and will not come again.
    fn done(self: Box<Self>);
}

/// One end of [`Bus::receive`].
#[async_trait]
pub trait Receiver: Send {
    /// The next piece of work; `None` once the bus is closed and the queue is empty.
    async fn next(&mut self) -> Option<Box<dyn Work>>;
}

/// The seam: in-process channels, or a message server.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Says something to all who listen. Never waits.
    fn publish(&self, message: Message) -> Result<(), BusError>;
    /// Listens from now on.
    fn subscribe(&self, pattern: Pattern) -> Box<dyn Subscription>;
    /// Puts work into a queue; waits while it is full.
    async fn send(&self, queue: &Subject, body: Bytes) -> Result<(), BusError>;
    /// Takes work from a queue; several receivers share it.
    fn receive(&self, queue: &Subject) -> Box<dyn Receiver>;
    /// Refuses what comes from now on; what waits may still be heard.
    fn close(&self);
}

/// A document as the body of a message.
pub fn encode<T: Serialize>(subject: &Subject, document: &T) -> Result<Bytes, BusError> {
    serde_json::to_vec(document)
        .map(Bytes::from)
        .map_err(|error| BusError::Document {
            subject: subject.to_string(),
            reason: error.to_string(),
        })
}

/// The document in the body of a message.
pub fn decode<T: DeserializeOwned>(message: &Message) -> Result<T, BusError> {
    serde_json::from_slice(&message.body).map_err(|error| BusError::Document {
        subject: message.subject.to_string(),
        reason: error.to_string(),
    })
}
