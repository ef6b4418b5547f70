//! Pixels that were drawn here, rather than decoded.

use std::io;

use super::encode;
use super::placeholder::Placeholder;
use super::profile::Embedded;
use super::raster::{Layout, Raster};
use super::resize;
use super::{ImageError, RenderPlan, Rendered, RenderedImage};

/// Makes the outputs of `plan` from a picture of `size` in sRGB without transparency, widest first, each from
/// the one before, and hands each to `write` with its index in the plan.
pub(crate) fn render_drawn(
    size: (u32, u32),
    rgb: Vec<u8>,
    plan: &RenderPlan,
    mut write: impl FnMut(usize, &[u8]) -> io::Result<()>,
) -> Result<Rendered, ImageError> {
    let mut picture = Raster::new(size, Layout::Rgb, Embedded::Srgb, rgb)?;
    let mut pictures = Vec::new();
    for target in plan.targets(size.0, size.1) {
        picture = resize::to(picture, (target.width, target.height))?;
        let output = &plan.outputs[target.index];
        let webp = encode::webp(&picture, false, output.quality, output.method)?;
        write(target.index, &webp)?;
        pictures.push(RenderedImage {
            name: output.name.clone(),
            width: target.width,
            height: target.height,
            size_bytes: webp.len() as u64,
        });
    }
    Ok(Rendered {
        pictures,
        placeholder: Placeholder::of(&picture)?,
        ..Rendered::default()
    })
}
