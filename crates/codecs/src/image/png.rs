//! PNG (W3C PNG, third edition). Of an APNG the default image is taken.

mod chunks;
mod cut;
mod frames;

use std::io::Cursor;

use png::{BitDepth, ColorType, Transformations};

use super::ImageError;
use super::ImageLimits;
use super::color::Narrow;
use super::exif;
use super::extent::Extent;
use super::hdr;
use super::header::{Header, with_trailing};
use super::jpeg;
use super::profile::Embedded;
use super::raster::{Layout, Raster};
use super::reject;
use media::Rejection;
use media::formats::ImageFormat;
use sandbox::Resource;

pub(super) use self::frames::Frames;

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Bytes that text, profile and other chunks may unpack to.
const METADATA_BYTES: usize = 32 << 20;

pub(super) fn read(bytes: &[u8], limits: &ImageLimits) -> Result<Header, Rejection> {
    let found = chunks::walk(bytes, limits)?;
    let format = with_trailing(ImageFormat::Png, found.trailing)?;
    let (frames, plays) = (found.frames, found.plays);
    let reader = reader(found, false)?;
    let info = reader.info();
    let layout = layout(reader.output_color_type().0);
    Ok(Header {
        format,
        width: info.width,
        height: info.height,
        orientation: info
            .exif_metadata
            .as_deref()
            .map(exif::orientation)
            .unwrap_or_default(),
        layout,
        jpeg: jpeg::Traits::default(),
        has_alpha: layout.has_alpha(),
        is_lossy: false,
        bit_depth: info.bit_depth as u8,
        frames,
        plays,
        color: color(info, layout),
    })
}

type Reader = png::Reader<Cursor<Vec<u8>>>;

/// A reader that unpacks all pixels to grey or RGB of 8 or 16 bits, or of 8 if that is wanted.
fn reader(found: chunks::Found, eight_bits: bool) -> Result<Reader, Rejection> {
    let limits = png::Limits {
        bytes: METADATA_BYTES,
    };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(found.clean), limits);
    let mut transformations = Transformations::EXPAND;
    transformations.set(Transformations::STRIP_16, eight_bits);
    decoder.set_transformations(transformations);
    decoder.set_ignore_text_chunk(true);
    // The checksum of what was cut cannot be right.
    decoder.ignore_checksums(found.cut);
    decoder.read_info().map_err(|_| unreadable())
}

/// The order of precedence is that of PNG third edition §4.3. What is of no use does not count.
fn color(info: &png::Info, layout: Layout) -> Embedded {
    /// The `gAMA` value that stands for sRGB's curve when nothing else is said.
    const SRGB_GAMMA: u32 = 45_455;
    let points = info.coding_independent_code_points;
    // Browsers take those of other ranges for a mistake.
    let points = points.filter(|points| points.is_video_full_range_image);
    let cicp = points.and_then(|points| {
        let (primaries, transfer) = (points.color_primaries, points.transfer_function);
        Embedded::of_code_points_in_png(primaries, transfer, brightest(info))
    });
    let icc = || Embedded::of_icc(info.icc_profile.as_deref()?, layout);
    if let Some(color) = cicp.or_else(icc) {
        return color;
    }
    if info.srgb.is_some() {
        return Embedded::Srgb;
    }
    let chromaticities = info.chrm_chunk.map(|chrm| {
        [chrm.white, chrm.red, chrm.green, chrm.blue].map(|(x, y)| (x.into_value(), y.into_value()))
    });
    match info.gama_chunk {
        Some(gama) if gama.into_scaled() == SRGB_GAMMA && chromaticities.is_none_or(is_srgb) => {
            Embedded::Srgb
        }
        // An exponent outside this range is a mistake, not a picture.
        Some(gama) if (0.1..=2.0).contains(&gama.into_value()) => Embedded::Gamma {
            gamma: gama.into_value(),
            chromaticities,
        },
        _ => Embedded::Nothing,
    }
}

/// Light of the brightest pixel, or of the screen that the picture was made at, in cd/m2, as far as it is said.
fn brightest(info: &png::Info) -> Option<f32> {
    let pixel = info.content_light_level;
    let screen = info.mastering_display_color_volume;
    let said = [
        pixel.map(|pixel| pixel.max_content_light_level),
        screen.map(|screen| screen.max_luminance),
    ];
    let mut said = said.into_iter().flatten().filter(|&light| light > 0);
    // In ten thousandths.
    said.next()
        .map(|light| f32::from(u16::try_from(light / 10_000).unwrap_or(u16::MAX)))
}

/// Whether white, red, green and blue are those of sRGB, to the precision that writers use.
fn is_srgb(chromaticities: [(f32, f32); 4]) -> bool {
    let srgb = [(0.3127, 0.3290), (0.64, 0.33), (0.30, 0.60), (0.15, 0.06)];
    let near = |a: f32, b: f32| (a - b).abs() < 0.002;
    chromaticities
        .iter()
        .zip(srgb)
        .all(|(a, b)| near(a.0, b.0) && near(a.1, b.1))
}

pub(super) fn decode(
    bytes: &[u8],
    header: Header,
    limits: &ImageLimits,
) -> Result<(Raster, Extent), ImageError> {
    let mut found = chunks::walk(bytes, limits)?;
    let there = if found.cut {
        cut::mend(&mut found)?
    } else {
        None
    };
    let mut reader = reader(found, false)?;
    let size = reader
        .output_buffer_size()
        .ok_or(ImageError::LimitHit(Resource::Memory))?;
    let mut data = vec![0; size];
    let line = data.len() / header.height as usize;
    let mut extent = Extent::Whole;
    if let Some(there) = there {
        extent = cut::read(&mut reader, &mut data, line, there)?;
    } else {
        let frame = reader.next_frame(&mut data).map_err(|_| unreadable())?;
        if (frame.width, frame.height) != (header.width, header.height) {
            return Err(reject::corrupt("an apng frame that is not the default image").into());
        }
    }
    let size = (header.width, header.height);
    let layout = header.layout;
    if reader.output_color_type().1 != BitDepth::Sixteen {
        let samples = data.iter().map(|&sample| u16::from(sample) * 257);
        let color = header
            .color
            .measured(layout, || hdr::highest(samples, layout));
        let picture = Raster::new(size, layout, color, data)?;
        return Ok((picture, extent));
    }
    let samples = data.as_chunks().0.iter().copied().map(u16::from_be_bytes);
    let color = header
        .color
        .measured(layout, || hdr::highest(samples, layout));
    let mut narrow = Narrow::new(&color, layout);
    let layout = narrow.layout();
    let mut bytes = Vec::with_capacity(data.len() / 2);
    for row in data.chunks_exact(line) {
        let samples: Vec<u16> = row
            .as_chunks()
            .0
            .iter()
            .copied()
            .map(u16::from_be_bytes)
            .collect();
        narrow.row(&samples, &mut bytes)?;
    }
    Ok((Raster::new(size, layout, narrow.color(), bytes)?, extent))
}

fn layout(color: ColorType) -> Layout {
    match color {
        ColorType::Grayscale => Layout::Gray,
        ColorType::GrayscaleAlpha => Layout::GrayAlpha,
        ColorType::Rgba => Layout::Rgba,
        // Palettes are expanded.
        ColorType::Rgb | ColorType::Indexed => Layout::Rgb,
    }
}

fn unreadable() -> Rejection {
    reject::corrupt("the png's picture data cannot be read")
}
