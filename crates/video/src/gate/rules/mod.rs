//! The rules, a file for each thing they look at.

pub mod clock;
pub mod playlists;
pub mod segments;
pub mod types;
pub mod variants;
