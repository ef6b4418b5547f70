//! What a track is for.

/// What a track is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Pictures,
    Keyframes,
    Sound,
    Subtitles,
}
