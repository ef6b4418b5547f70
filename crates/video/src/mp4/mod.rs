//! As much of MP4 as segments take: what an initialisation says, and what a fragment holds.
//!
//! Reads what our own encodes wrote, and checks it all the same: nothing is believed that would lead
//! beyond the bytes that are there. Not a reader of strangers' files.

mod boxes;
mod fragment;
mod init;

pub(crate) use boxes::{Boxes, Header, find};
pub use fragment::{Fragment, Sample};
pub use init::{Init, Media};

/// Bytes that are not what they should be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a segment as it should be: {0}")]
pub struct Mp4Error(pub &'static str);
