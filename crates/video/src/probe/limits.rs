//! How much film is taken in.

use serde::{Deserialize, Serialize};

/// Limits of one film. What is over one is refused with the limit and what was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VideoLimits {
    /// Size of the file in bytes. Default 10 GiB.
    pub size_bytes: u64,
    /// Length in seconds. Default 6 hours.
    pub duration_seconds: u64,
    /// Pixels of one coded picture. Default 8192 × 4352, which takes in 8K.
    pub pixels: u64,
    /// The shorter side as shown, at least, in pixels. Default 32: of less, a poster or a player shows nothing.
    pub min_side: u32,
    /// Pictures in a second, on average. Default 300.
    pub frame_rate: u32,
    /// Tracks of any kind. Default 50.
    pub tracks: u32,
    /// Bits in a second, on average. Default 400 million, which takes in `ProRes` of 1080p.
    pub bitrate: u64,
    /// Packets of all tracks together. Default 20 million.
    pub packets: u64,
}

impl Default for VideoLimits {
    fn default() -> Self {
        Self {
            size_bytes: 10 << 30,
            duration_seconds: 6 * 60 * 60,
            pixels: 8192 * 4352,
            min_side: 32,
            frame_rate: 300,
            tracks: 50,
            bitrate: 400_000_000,
            packets: 20_000_000,
        }
    }
}
