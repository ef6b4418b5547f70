//! Pixels that were drawn here, rather than decoded.

use std::io;

use super::outputs;
use super::profile::Embedded;
use super::raster::{Layout, Raster};
use super::{ImageError, RenderPlan, Rendered};

/// Makes the outputs of `plan` from a picture of `size` in sRGB without transparency, and hands each to `write`
/// with its index in the plan.
pub(crate) fn render_drawn(
    size: (u32, u32),
    rgb: Vec<u8>,
    plan: &RenderPlan,
    write: impl FnMut(usize, &[u8]) -> io::Result<()>,
) -> Result<Rendered, ImageError> {
    let picture = Raster::new(size, Layout::Rgb, Embedded::Srgb, rgb)?;
    let targets = plan.targets(size.0, size.1);
    outputs::make(picture, false, plan, &targets, None, write)
}
