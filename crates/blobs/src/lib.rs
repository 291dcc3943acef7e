//! Chunks at rest: where they are kept, how a folder or an archive becomes chunks, and how chunks become a folder again.
//!
//! Invariants:
//! - What lies under a chunk's name was complete and on the disk before it got that name.
//! - What is read under a chunk's name is that chunk, or is reported missing.
//! - Unpacking writes below its folder and nowhere else, whatever the content says and whatever lies there already.
//!
//! Absent on purpose: who may fetch what (`server`), fetching over the network (`agent`), and which chunks are in use (`store`).

pub mod conformance;
mod disk;
mod error;
mod folder;
mod pack;
mod room;
mod seam;
mod unpack;

pub use disk::{Collected, DiskBlobs};
pub use error::BlobError;
pub use pack::{EachChunk, Groups, PackOptions, PackProgress, Packed, Sink, pack};
pub use room::{Room, check_room};
pub use seam::{Batch, Blobs};
pub use unpack::{UnpackProgress, merge, unpack};
