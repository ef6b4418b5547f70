//! Playlists (RFC 8216), written from what was measured, and read back for checking.
//!
//! Pure: text in, text out. Which files there are is the encodes' to say, and whether all of it
//! holds is [`gate`](crate::gate)'s.

pub(crate) mod language;
mod measure;
mod read;
mod sound;
mod write;

pub use measure::Rates;
pub use read::{
    Byterange, Line, Master, MediaPlaylist, Part, PlaylistError, Tag, read_master, read_media,
};
pub use sound::write as write_sound;
pub use write::{Address, Film, Subtitles, beside, write};

/// The name of the multivariant playlist.
pub const MASTER: &str = "master.m3u8";
/// The name of a rendition's playlist in its folder.
pub const INDEX: &str = "index.m3u8";
/// The name of the playlist of keyframes in a rendition's folder.
pub const KEYFRAMES: &str = "iframes.m3u8";
