//! Making pictures smaller: Lanczos, with alpha premultiplied so that the hidden colour of
//! transparent pixels does not bleed into visible ones.
//!
//! Samples are mixed as they are stored and not as the light they stand for, as browsers, libvips and sharp do it unless
//! told otherwise. Light takes 16 bits a sample, so twice the memory and three times the work of the largest step; dark
//! writing on white would become thinner, and the dark side of every edge would ring more. The price is that a pattern of
//! single light and dark pixels gets darker from afar than it is.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use media::Rejection;

use super::raster::{Layout, Raster};
use super::reject;

/// The picture at `size`; itself if it has that size.
pub(super) fn to(picture: Raster, size: (u32, u32)) -> Result<Raster, Rejection> {
    if (picture.width, picture.height) == size {
        return Ok(picture);
    }
    reduced(&picture, size)
}

/// A copy of the picture at `size`.
pub(super) fn reduced(picture: &Raster, size: (u32, u32)) -> Result<Raster, Rejection> {
    let pixel = match picture.layout {
        Layout::Gray => PixelType::U8,
        Layout::GrayAlpha => PixelType::U8x2,
        Layout::Rgb => PixelType::U8x3,
        Layout::Rgba | Layout::Cmyk => PixelType::U8x4,
    };
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .use_alpha(picture.layout.has_alpha());
    let refused = |error: &dyn std::error::Error| reject::corrupt(format!("resize: {error}"));

    let source = ImageRef::new(picture.width, picture.height, &picture.data, pixel)
        .map_err(|error| refused(&error))?;
    let mut resized = Image::new(size.0, size.1, pixel);
    Resizer::new()
        .resize(&source, &mut resized, &options)
        .map_err(|error| refused(&error))?;
    let color = picture.color.clone();
    Raster::new(size, picture.layout, color, resized.into_vec())
}
