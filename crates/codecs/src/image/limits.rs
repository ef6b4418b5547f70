//! How much one image may ask for. Checked from headers first, enforced by the kernel second.

use std::time::Duration;

use media::{Rejection, RejectionCode};
use serde::{Deserialize, Serialize};

use super::extent::Extent;
use super::reject::{corrupt, over};

const MIB: u64 = 1 << 20;

/// Limits for one decode. The defaults take a 100 megapixel photo and little more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageLimits {
    /// Bytes of the input file.
    pub max_input_bytes: u64,
    /// Stored width in pixels.
    pub max_width: u32,
    /// Stored height in pixels.
    pub max_height: u32,
    /// Stored width times height.
    pub max_pixels: u64,
    /// Frames of an animation. Of one that has more, the first is shown.
    pub max_frames: u32,
    /// Pixels of all frames together, width times height times frames. Of an animation that has more, the first frame is
    /// shown.
    pub max_animation_pixels: u64,
    /// Whether a picture is refused that could be shown in part only: its file ends early, or the animation has more than the
    /// frames and pixels above.
    pub refuse_partial: bool,
    /// Of the child that decodes. Its memory does not count the mapped input: a noisy photo of 100 MP, rendered whole, took
    /// 1.1 GiB at quality 80 and 1.9 GiB at 100.
    pub process: sandbox::Limits,
}

impl Default for ImageLimits {
    fn default() -> Self {
        Self {
            max_input_bytes: 256 * MIB,
            max_width: 30_000,
            max_height: 30_000,
            max_pixels: 100_000_000,
            max_frames: 5_000,
            max_animation_pixels: 150_000_000,
            refuse_partial: false,
            process: sandbox::Limits {
                memory_bytes: 2048 * MIB,
                cpu_seconds: 120,
                wall: Duration::from_mins(4),
                file_bytes: 128 * MIB,
                output_bytes: MIB / 4,
            },
        }
    }
}

impl ImageLimits {
    /// Refuses a file that is too long. No byte of it is looked at.
    pub(crate) fn check_length(&self, bytes: &[u8]) -> Result<(), Rejection> {
        let (limit, measured) = (self.max_input_bytes, bytes.len() as u64);
        if measured > limit {
            return Err(over(RejectionCode::FileTooLarge, limit, measured, "bytes"));
        }
        Ok(())
    }

    /// Refuses a picture that is not whole, if it is to be.
    pub(super) fn check_extent(&self, extent: Extent) -> Result<(), Rejection> {
        if self.refuse_partial && extent == Extent::Cut {
            return Err(corrupt("the file ends within the picture"));
        }
        Ok(())
    }

    /// Refuses dimensions that are zero or over a limit.
    pub(super) fn check_size(&self, width: u32, height: u32) -> Result<(), Rejection> {
        if width == 0 || height == 0 {
            return Err(corrupt(format!("{width} x {height} has no pixels")));
        }
        let pixels = u64::from(width) * u64::from(height);
        let measures = [
            (self.max_width.into(), width.into(), "px wide"),
            (self.max_height.into(), height.into(), "px high"),
            (self.max_pixels, pixels, "px"),
        ];
        match measures.into_iter().find(|(limit, found, _)| found > limit) {
            Some((limit, found, unit)) => {
                Err(over(RejectionCode::TooManyPixels, limit, found, unit))
            }
            None => Ok(()),
        }
    }
}
