//! Limits on what a file may be. Every one is checked from sizes and headers, before anything is decoded.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use settings::Reader;

use crate::uploads::MAX_OBJECT_BYTES;

/// Upper bounds on what we take. One set for the whole service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of one file. Pictures of the largest phones and cameras have some 60 MB; whoever takes films
    /// will want more.
    pub max_file_bytes: u64,
    /// Pixels of one side. Of pictures with a side longer than a WebP can have, 16383 pixels (RFC 9649 §2.6), all variants
    /// are smaller than the original.
    pub max_image_side: u32,
    /// Pixels of one frame, width × height.
    pub max_image_pixels: u64,
    /// Frames of an animation. Of one that has more, the first is shown.
    pub max_image_frames: u32,
    /// Pixels of all frames together, width × height × frames. Of an animation that has more, the first frame is shown.
    pub max_animation_pixels: u64,
    /// Whether pictures are refused that could be shown in part only: their files end early, or they are animations over
    /// the limits above.
    pub refuse_partial_images: bool,
    /// Length of a film, in seconds.
    pub max_video_seconds: u64,
    /// Pixels of one coded picture of a film, width × height.
    pub max_video_pixels: u64,
    /// Length of a sound, in seconds.
    pub max_audio_seconds: u64,
    /// Channels of a sound.
    pub max_audio_channels: u32,
    /// Samples of a sound in a second, of each channel.
    pub max_audio_sample_rate: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: 100 * 1024 * 1024,
            max_image_side: 65_535,
            max_image_pixels: 100_000_000,
            max_image_frames: 2_000,
            max_animation_pixels: 150_000_000,
            refuse_partial_images: false,
            max_video_seconds: 6 * 60 * 60,
            // 8K, and what encoders pad it to.
            max_video_pixels: 8192 * 4352,
            // Audiobooks are that long.
            max_audio_seconds: 12 * 60 * 60,
            max_audio_channels: 8,
            max_audio_sample_rate: 192_000,
        }
    }
}

/// A picture of more could not be decoded in the memory of one decoder.
const MOST_PIXELS: u64 = 16_383 * 16_383;

impl Limits {
    /// Reads `MEDIAMILL_MAX_FILE_BYTES`, `MEDIAMILL_MAX_IMAGE_PIXELS`, `MEDIAMILL_REFUSE_PARTIAL_IMAGES`,
    /// `MEDIAMILL_MAX_VIDEO_SECONDS`, `MEDIAMILL_MAX_VIDEO_PIXELS` and three that begin with `MEDIAMILL_MAX_AUDIO_`; the
    /// rest is fixed.
    pub fn from_env(reader: &mut Reader) -> Self {
        let defaults = Self::default();
        let mut small = |name: &str, range: RangeInclusive<u64>, default: u32| {
            let read = reader.number_or(name, range, default.into());
            u32::try_from(read).unwrap_or(default)
        };
        let max_audio_channels = small(
            "MEDIAMILL_MAX_AUDIO_CHANNELS",
            1..=64,
            defaults.max_audio_channels,
        );
        let max_audio_sample_rate = small(
            "MEDIAMILL_MAX_AUDIO_SAMPLE_RATE",
            8_000..=768_000,
            defaults.max_audio_sample_rate,
        );
        Self {
            max_file_bytes: reader.number_or(
                "MEDIAMILL_MAX_FILE_BYTES",
                1..=MAX_OBJECT_BYTES,
                defaults.max_file_bytes,
            ),
            max_image_pixels: reader.number_or(
                "MEDIAMILL_MAX_IMAGE_PIXELS",
                1..=MOST_PIXELS,
                defaults.max_image_pixels,
            ),
            refuse_partial_images: reader.flag_or(
                "MEDIAMILL_REFUSE_PARTIAL_IMAGES",
                defaults.refuse_partial_images,
            ),
            max_video_seconds: reader.number_or(
                "MEDIAMILL_MAX_VIDEO_SECONDS",
                1..=24 * 60 * 60,
                defaults.max_video_seconds,
            ),
            max_video_pixels: reader.number_or(
                "MEDIAMILL_MAX_VIDEO_PIXELS",
                1..=defaults.max_video_pixels,
                defaults.max_video_pixels,
            ),
            max_audio_seconds: reader.number_or(
                "MEDIAMILL_MAX_AUDIO_SECONDS",
                1..=24 * 60 * 60,
                defaults.max_audio_seconds,
            ),
            max_audio_channels,
            max_audio_sample_rate,
            ..defaults
        }
    }
}
