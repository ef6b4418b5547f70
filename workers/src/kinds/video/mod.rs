//! Films: what cameras and telephones write in, HLS with posters, a preview and a storyboard out.
//!
//! How films are worked on is the crate `video`'s; here its tasks become tasks of the engine, and its files objects.

pub mod check;
mod mp4;
pub mod plan;
pub mod probe;
pub mod publish;
pub mod render;

use media::limits::Limits;
use video::probe::VideoLimits;

pub use plan::Unit;
pub use probe::Probe;
pub use render::Output;

/// The domain's limits, as the library knows them.
fn limits(limits: &Limits) -> VideoLimits {
    VideoLimits {
        size_bytes: limits.max_file_bytes,
        duration_seconds: limits.max_video_seconds,
        pixels: limits.max_video_pixels,
        ..VideoLimits::default()
    }
}
