//! What may be chosen.

use serde::{Deserialize, Serialize};

/// Settings of plans. A stored plan does not change with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanSettings {
    /// Sizes by the shorter side, in pixels, the smallest first. Default 360, 720, 1080.
    pub rungs: Vec<u32>,
    /// Length of a segment in seconds. Default 6.
    pub segment_seconds: u32,
    /// The highest frame rate of what is made, in Hz. Default 60.
    pub max_frame_rate: u32,
    /// About how long the encoding of a chunk may take, in seconds of one core. Default 60.
    pub chunk_cpu_seconds: u32,
    /// Whether long films are cut into chunks. Default true.
    pub split: bool,
    /// Widths of posters in pixels, the smallest first. Default those of images' thumbnails.
    pub poster_widths: Vec<u32>,
    /// The longer side of a storyboard's picture in pixels. Default 160.
    pub storyboard_side: u32,
    /// The largest size that is also made as one MP4, by the shorter side in pixels. Default none.
    pub mp4_side: Option<u32>,
}

impl Default for PlanSettings {
    fn default() -> Self {
        Self {
            rungs: vec![360, 720, 1080],
            segment_seconds: 6,
            max_frame_rate: 60,
            chunk_cpu_seconds: 60,
            split: true,
            poster_widths: vec![128, 320, 640, 1280],
            storyboard_side: 160,
            mp4_side: None,
        }
    }
}

impl PlanSettings {
    pub(super) fn segment_us(&self) -> u64 {
        u64::from(self.segment_seconds.max(1)) * 1_000_000
    }
}
