//! How much one image may ask for. Checked from headers first, enforced by the kernel second.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{RejectCode, Rejection, Resource};

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
    /// Frames of an animation. Only the first is decoded; the rest are counted.
    pub max_frames: u32,
    /// Address space of the child in bytes, its mapped input not counted. A noisy photo of 100 MP, rendered whole, took 1.1 GiB at
    /// quality 80 and 1.9 GiB at 100.
    pub memory_bytes: u64,
    /// CPU time of the child in seconds.
    pub cpu_seconds: u64,
    /// Wall time from start to answer.
    pub wall: Duration,
    /// Bytes of one output file.
    pub max_output_bytes: u64,
}

impl Default for ImageLimits {
    fn default() -> Self {
        Self {
            max_input_bytes: 256 * MIB,
            max_width: 30_000,
            max_height: 30_000,
            max_pixels: 100_000_000,
            max_frames: 5_000,
            memory_bytes: 2048 * MIB,
            cpu_seconds: 60,
            wall: Duration::from_mins(2),
            max_output_bytes: 128 * MIB,
        }
    }
}

impl ImageLimits {
    /// Refuses dimensions that are zero or over a limit.
    pub(crate) fn check_size(&self, width: u32, height: u32) -> Result<(), Rejection> {
        if width == 0 || height == 0 {
            return Err(Rejection::corrupt(format!(
                "{width} x {height} has no pixels"
            )));
        }
        let pixels = u64::from(width) * u64::from(height);
        let over = |code, limit, measured| Err(Rejection::over(code, limit, measured, "px"));
        if width > self.max_width {
            return over(RejectCode::TooWide, self.max_width.into(), width.into());
        }
        if height > self.max_height {
            return over(RejectCode::TooTall, self.max_height.into(), height.into());
        }
        if pixels > self.max_pixels {
            return over(RejectCode::TooManyPixels, self.max_pixels, pixels);
        }
        Ok(())
    }

    pub(crate) fn check_frames(&self, frames: u32) -> Result<(), Rejection> {
        if frames > self.max_frames {
            let (limit, measured) = (self.max_frames.into(), frames.into());
            return Err(Rejection::over(
                RejectCode::TooManyFrames,
                limit,
                measured,
                "frames",
            ));
        }
        Ok(())
    }

    /// The limit on `resource`, as shown to people.
    pub(crate) fn describe(&self, resource: Resource) -> String {
        match resource {
            Resource::Memory => format!("{} MiB", self.memory_bytes / MIB),
            Resource::Cpu => format!("{} s", self.cpu_seconds),
            Resource::WallTime => format!("{} s", self.wall.as_secs_f32()),
            Resource::OutputSize => format!("{} MiB", self.max_output_bytes / MIB),
        }
    }
}
