//! From one picture to the files of a plan.

use std::io;

use super::placeholder;
use super::plan::Target;
use super::raster::Raster;
use super::{ImageError, RenderPlan, Rendered, RenderedImage, encode, resize, rights};

/// Makes the outputs of `plan` from a picture in sRGB, widest first, each from the one before, and hands each to `write`
/// with its index in the plan. Each gets the packet of XMP `rights`, if there is one.
pub(super) fn make(
    mut picture: Raster,
    is_photo: bool,
    plan: &RenderPlan,
    targets: &[Target],
    rights: Option<&[u8]>,
    mut write: impl FnMut(usize, &[u8]) -> io::Result<()>,
) -> Result<Rendered, ImageError> {
    let mut pictures = Vec::with_capacity(targets.len());
    for target in targets {
        picture = resize::to(picture, (target.width, target.height))?;
        let output = &plan.outputs[target.index];
        let webp = encode::webp(&picture, is_photo, output.quality, output.method)?;
        let webp = rights::within(webp, (target.width, target.height), rights);
        write(target.index, &webp)?;
        pictures.push(RenderedImage {
            name: output.name.clone(),
            width: target.width,
            height: target.height,
            size_bytes: webp.len() as u64,
        });
    }
    let placeholder = plan.placeholder.then(|| placeholder::of(&picture));
    Ok(Rendered {
        pictures,
        placeholder: placeholder.transpose()?,
        ..Rendered::default()
    })
}
