//! PNG (W3C PNG, third edition). Of an APNG the default image is taken.

use std::io::Cursor;

use media::Rejection;
use media::formats::ImageFormat;
use png::{BitDepth, ColorType, Transformations};
use sandbox::Resource;

use super::ImageError;
use super::ImageLimits;
use super::bytes::Bytes;
use super::color::Narrow;
use super::exif;
use super::header::{Header, with_trailing};
use super::jpeg;
use super::profile::Embedded;
use super::raster::{Layout, Raster};
use super::reject;

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Bytes that text, profile and other chunks may unpack to.
const METADATA_BYTES: usize = 32 << 20;

pub(super) fn read(bytes: &[u8], limits: &ImageLimits) -> Result<Header, Rejection> {
    let frames = walk(bytes, limits)?;
    let mut decoder = png::Decoder::new_with_limits(
        Cursor::new(bytes),
        png::Limits {
            bytes: METADATA_BYTES,
        },
    );
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    let reader = decoder.read_info().map_err(|error| corrupt(&error))?;
    let info = reader.info();
    let layout = layout(reader.output_color_type().0);
    Ok(Header {
        format: ImageFormat::Png,
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
        bit_depth: info.bit_depth as u8,
        frames,
        color: color(info),
    })
}

/// Checks that chunks lead from IHDR to IEND, and counts frames.
fn walk(bytes: &[u8], limits: &ImageLimits) -> Result<u32, Rejection> {
    let mut bytes = Bytes::new(bytes);
    bytes.skip(SIGNATURE.len())?;
    let (mut frames, mut first, mut has_pixels) = (1, true, false);
    loop {
        let length = bytes.u32_be()? as usize;
        let kind = bytes.fourcc()?;
        if first {
            if (length, &kind) != (13, b"IHDR") {
                return Err(reject::corrupt("a png that does not begin with IHDR"));
            }
            // Before anything else, so that a bomb is called one even if it is also cut short.
            let mut size = bytes.clone();
            limits.check_size(size.u32_be()?, size.u32_be()?)?;
            first = false;
        }
        let mut data = Bytes::new(bytes.take(length)?);
        bytes.skip(4)?; // checksum, which the decoder verifies
        match &kind {
            b"IDAT" => has_pixels = true,
            b"acTL" => {
                frames = data.u32_be()?.max(1);
                limits.check_frames(frames)?;
            }
            b"IEND" if has_pixels => {
                with_trailing(ImageFormat::Png, bytes.rest().len())?;
                return Ok(frames);
            }
            b"IEND" => return Err(reject::corrupt("a png without a picture")),
            _ => {}
        }
    }
}

/// The order of precedence is that of PNG third edition §4.3.
fn color(info: &png::Info) -> Embedded {
    /// The `gAMA` value that stands for sRGB's curve when nothing else is said.
    const SRGB_GAMMA: u32 = 45_455;
    let known_cicp = info.coding_independent_code_points.filter(|points| {
        const UNSPECIFIED: u8 = 2;
        points.color_primaries != UNSPECIFIED && points.transfer_function != UNSPECIFIED
    });
    if let Some(points) = known_cicp {
        let (primaries, transfer) = (points.color_primaries, points.transfer_function);
        return match (primaries, transfer) {
            (1, 13) => Embedded::Srgb,
            _ => Embedded::Cicp {
                primaries,
                transfer,
            },
        };
    }
    if let Some(icc) = &info.icc_profile {
        return Embedded::Icc(icc.to_vec());
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

/// Whether white, red, green and blue are those of sRGB, to the precision that writers use.
fn is_srgb(chromaticities: [(f32, f32); 4]) -> bool {
    let srgb = [(0.3127, 0.3290), (0.64, 0.33), (0.30, 0.60), (0.15, 0.06)];
    let near = |a: f32, b: f32| (a - b).abs() < 0.002;
    chromaticities
        .iter()
        .zip(srgb)
        .all(|(a, b)| near(a.0, b.0) && near(a.1, b.1))
}

pub(super) fn decode(bytes: &[u8], header: Header) -> Result<Raster, ImageError> {
    let limits = png::Limits {
        bytes: METADATA_BYTES,
    };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    let mut reader = decoder.read_info().map_err(|error| corrupt(&error))?;
    let size = reader
        .output_buffer_size()
        .ok_or(ImageError::LimitHit(Resource::Memory))?;
    let mut data = vec![0; size];
    let frame = reader
        .next_frame(&mut data)
        .map_err(|error| corrupt(&error))?;
    if (frame.width, frame.height) != (header.width, header.height) {
        return Err(reject::corrupt("an apng frame that is not the default image").into());
    }
    let size = (header.width, header.height);
    if frame.bit_depth != BitDepth::Sixteen {
        return Ok(Raster::new(size, header.layout, header.color, data)?);
    }
    let mut narrow = Narrow::new(&header.color, header.layout);
    let layout = narrow.layout();
    let mut bytes = Vec::with_capacity(data.len() / 2);
    for row in data.chunks_exact(frame.line_size) {
        let samples: Vec<u16> = row
            .as_chunks()
            .0
            .iter()
            .copied()
            .map(u16::from_be_bytes)
            .collect();
        narrow.row(&samples, &mut bytes)?;
    }
    Ok(Raster::new(size, layout, Embedded::Srgb, bytes)?)
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

fn corrupt(error: &png::DecodingError) -> Rejection {
    reject::corrupt(format!("png: {error}"))
}
