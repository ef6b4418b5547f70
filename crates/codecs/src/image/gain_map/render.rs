//! Makes the file: the base as the WebP shows it, and the map, each decoded from the source on its own.

use std::io;

use serde::{Deserialize, Serialize};

use super::metadata::Metadata;
use super::{Meaning, Source, apple, write};
use crate::image::ImageError;
use crate::image::extent::Extent;
use crate::image::hdr::Light;
use crate::image::header::{self, Header};
use crate::image::profile::Embedded;
use crate::image::raster::{Layout, Raster};
use crate::image::{ImageLimits, RenderedImage, full_size};
use crate::image::{color, decode, jpeg, orient, resize, rights};

/// The file that the picture is written to.
pub const HDR_FILE: &str = "hdr.jpg";

/// How a picture with a gain map is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HdrPlan {
    /// JPEG quality, 1 to 100, of the base.
    pub quality: u8,
    /// As in [`RenderPlan`](crate::RenderPlan).
    pub keep_rights: bool,
}

/// The map is a fraction of the bytes, and what is lost of it shows in the brightest places.
const MAP_QUALITY: u8 = 90;

/// Pixels of the base, in each direction, for one of a map that is made here. What bends light is smooth, but for edges of
/// lamps and windows, which a quarter would show as halos.
const SCALE: u32 = 2;

/// Makes a picture of the source's own size with a gain map, and hands it to `write`. Nothing of a picture without light
/// beyond white, with transparency, that moves or is not whole, or whose gain map is broken. `decoded` is what ffmpeg
/// made of its HEVC, if it has any.
pub fn render_hdr(
    bytes: &[u8],
    decoded: &[&[u8]],
    limits: &ImageLimits,
    plan: &HdrPlan,
    write: impl FnOnce(&[u8]) -> io::Result<()>,
) -> Result<Option<RenderedImage>, ImageError> {
    let header = header::read(bytes, limits)?;
    let Some(source) = Source::find(bytes, &header, limits) else {
        return Ok(None);
    };
    let rights = plan
        .keep_rights
        .then(|| rights::packet(bytes, header.format));
    let shown = header.orientation.turn(header.width, header.height);
    let size = full_size(shown.0, shown.1);
    // Its pixels are gone before those of the map are made.
    let base = base(bytes, decoded, limits, size)?;
    let base = base.map(|base| jpeg::encode(&base, plan.quality));
    let Some(base) = base.transpose()? else {
        return Ok(None);
    };
    let Some((map, metadata)) = map(&source, (bytes, decoded), &header, limits, size)? else {
        return Ok(None);
    };
    let map = jpeg::encode(&map, MAP_QUALITY)?;
    let Some(file) = write::join(&base, &map, &metadata, rights.flatten().as_deref()) else {
        return Ok(None);
    };
    write(&file)?;
    Ok(Some(RenderedImage {
        name: "hdr".to_owned(),
        width: size.0,
        height: size.1,
        size_bytes: file.len() as u64,
    }))
}

/// What the WebP shows of the picture.
fn base(
    bytes: &[u8],
    decoded: &[&[u8]],
    limits: &ImageLimits,
    size: (u32, u32),
) -> Result<Option<Raster>, ImageError> {
    let header = header::read(bytes, limits)?;
    let orientation = header.orientation;
    let stored_size = orientation.turn(size.0, size.1);
    let (stored, extent) = decode(bytes, decoded, header, limits, stored_size)?;
    if extent != Extent::Whole {
        return Ok(None);
    }
    let picture = color::to_srgb(resize::to(stored, stored_size)?)?;
    Ok(opaque(picture).map(|picture| orient::upright(picture, orientation)))
}

/// The picture without its alpha channel, if nothing shows through.
fn opaque(picture: Raster) -> Option<Raster> {
    let (channels, layout) = match picture.layout {
        Layout::GrayAlpha => (2, Layout::Gray),
        Layout::Rgba => (4, Layout::Rgb),
        _ => return Some(picture),
    };
    let pixels = picture.data.chunks_exact(channels);
    if pixels.clone().any(|pixel| pixel[channels - 1] != u8::MAX) {
        return None;
    }
    let data = pixels
        .flat_map(|pixel| &pixel[..channels - 1])
        .copied()
        .collect();
    let color = picture.color.clone();
    Some(picture.with_pixels(layout, color, data))
}

/// The map as it lies over a base of that size, and what its samples mean.
fn map(
    source: &Source,
    (bytes, decoded): (&[u8], &[&[u8]]),
    header: &Header,
    limits: &ImageLimits,
    size: (u32, u32),
) -> Result<Option<(Raster, Metadata)>, ImageError> {
    let (stored, meaning) = match source {
        &Source::Light(light) => {
            let stored_size = header.orientation.turn(size.0, size.1);
            let half = (stored_size.0.div_ceil(SCALE), stored_size.1.div_ceil(SCALE));
            let Some((map, metadata)) = taken(light, (bytes, decoded), limits)? else {
                return Ok(None);
            };
            (resize::to(map, half)?, Meaning::Stops(metadata))
        }
        Source::Jpeg(map, meaning) => {
            let of_map = jpeg::read(map, limits)?;
            let stored_size = (of_map.width, of_map.height);
            let (stored, extent) = jpeg::decode(map, of_map, stored_size)?;
            if extent != Extent::Whole {
                return Ok(None);
            }
            (stored, *meaning)
        }
        Source::Item(map) => (map.decode(decoded)?, map.meaning),
    };
    let stored_base = (header.width, header.height);
    if !matches!(stored.layout, Layout::Gray | Layout::Rgb) || !is_alike(&stored, stored_base) {
        return Ok(None);
    }
    let read = match meaning {
        Meaning::Stops(metadata) => Some((stored, metadata)),
        Meaning::Apple(headroom) => apple::in_stops(stored, headroom),
    };
    let Some((map, metadata)) = read else {
        return Ok(None);
    };
    // One sample cannot stand for gains that differ.
    let map = if metadata.is_even() {
        evened(map)
    } else {
        color::expand(map)
    };
    let map = orient::upright(map, header.orientation);
    let largest = (map.width.min(size.0), map.height.min(size.1));
    Ok(Some((resize::to(map, largest)?, metadata)))
}

/// How much light was taken from each pixel of a picture of high dynamic range.
fn taken(
    light: Light,
    (bytes, decoded): (&[u8], &[&[u8]]),
    limits: &ImageLimits,
) -> Result<Option<(Raster, Metadata)>, ImageError> {
    let mut header = header::read(bytes, limits)?;
    header.color = Embedded::Hdr(Light {
        as_gain: true,
        ..light
    });
    let size = (header.width, header.height);
    let (mut map, _) = decode(bytes, decoded, header, limits, size)?;
    if map.color.light(map.layout).is_some() {
        map = color::to_srgb(map)?;
    }
    let &Embedded::Gain { least, most } = &map.color else {
        return Ok(None);
    };
    let metadata = Metadata::even(least.into(), most.into(), most.into());
    // The alpha channel was looked at with the base.
    let map = opaque(map);
    Ok(map.zip(metadata))
}

/// A map whose colours are all the same as grey.
fn evened(map: Raster) -> Raster {
    let pixels = map.data.as_chunks::<3>().0.iter();
    if map.layout != Layout::Rgb || pixels.clone().any(|&[r, g, b]| r != g || g != b) {
        return map;
    }
    let data = pixels.map(|&[grey, ..]| grey).collect();
    let color = map.color.clone();
    map.with_pixels(Layout::Gray, color, data)
}

/// Whether a map has the shape of its base, but for what is lost when sides are divided.
fn is_alike(map: &Raster, base: (u32, u32)) -> bool {
    let [width, height] = [map.width, map.height].map(f64::from);
    let (base_width, base_height) = (f64::from(base.0), f64::from(base.1));
    let expected = base_height * width / base_width;
    (expected - height).abs() <= 1.0 + 0.02 * height || {
        let expected = base_width * height / base_height;
        (expected - width).abs() <= 1.0 + 0.02 * width
    }
}
