//! Images: WebP is made of every format, and a JPEG with a gain map of what is brighter than white.

pub mod check;
pub mod plan;
pub mod probe;
pub mod publish;
pub mod render;

use codecs::ImageLimits;
use media::limits::Limits;

pub use plan::Unit;
pub use probe::Probe;
pub use render::Output;

/// The domain's limits, as the decoders know them.
pub(in crate::kinds) fn limits(limits: &Limits) -> ImageLimits {
    ImageLimits {
        max_input_bytes: limits.max_file_bytes,
        max_width: limits.max_image_side,
        max_height: limits.max_image_side,
        max_pixels: limits.max_image_pixels,
        max_frames: limits.max_image_frames,
        max_animation_pixels: limits.max_animation_pixels,
        refuse_partial: limits.refuse_partial_images,
        ..ImageLimits::default()
    }
}
