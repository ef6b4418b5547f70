//! JPEG (ITU-T T.81): 8-bit baseline, extended and progressive, Huffman coded.
//!
//! The segments are walked here for what must be known before a pixel is decoded: size, profile, orientation. The walk
//! is as lenient as browsers: bytes between segments are skipped, a missing end marker is no fault. A photo cut short by
//! a broken upload is refused by its pixels (see [`decode`]), not served with a grey half. What follows the end marker
//! (a motion photo's film, a maker's trailer) is not looked at, but for its length.

mod compress;
mod library;
mod part;
mod pixels;

pub(super) use self::compress::encode;
pub(super) use self::part::{Colors, decode_part};
pub(super) use self::pixels::decode;

use media::Rejection;
use media::formats::ImageFormat;

use super::ImageLimits;
use super::bytes::Bytes;
use super::exif;
use super::header::{Header, with_trailing};
use super::orient::Orientation;
use super::profile::Embedded;
use super::raster::Layout;
use super::reject;

const SOF0: u8 = 0xC0;
const SOF2: u8 = 0xC2;
const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const APP1: u8 = 0xE1;
const APP2: u8 = 0xE2;
const APP14: u8 = 0xEE;

/// What the decoder must be told that only a JPEG has.
#[derive(Default)]
pub(super) struct Traits {
    /// Ink is stored with 0 for full, as Adobe's programs write CMYK.
    inverted_ink: bool,
    /// Of each scan, whether it begins its components: brings their coarsest coefficients, all that they have in a frame
    /// that is not progressive.
    begins: Vec<bool>,
}

/// What the segments said so far.
#[derive(Default)]
struct Segments<'a> {
    frame: Option<Frame>,
    orientation: Option<Orientation>,
    /// Sequence number and bytes of each part of the profile (ICC.1:2022 annex B.4).
    icc: Vec<(u8, &'a [u8])>,
    adobe: bool,
    /// The names of components that some scan brings the coarsest coefficients of.
    scanned: Vec<u8>,
    begins: Vec<bool>,
}

struct Frame {
    width: u16,
    height: u16,
    layout: Layout,
    /// The components' names.
    components: Vec<u8>,
}

pub(super) fn read(file: &[u8], limits: &ImageLimits) -> Result<Header, Rejection> {
    let mut segments = Segments::default();
    let mut bytes = Bytes::new(file);
    let walked = walk(&mut segments, &mut bytes, limits);
    // Behind the first scan, it is for the pixels to say whether the picture is whole.
    if segments.begins.is_empty() {
        walked?;
    }
    let is_scanned = |component: &u8| segments.scanned.contains(component);
    let Some(frame) = segments
        .frame
        .filter(|frame| frame.components.iter().all(is_scanned))
    else {
        return Err(reject::corrupt("a jpeg without all of its picture"));
    };
    segments.icc.sort_by_key(|&(number, _)| number);
    let icc: Vec<u8> = segments
        .icc
        .iter()
        .flat_map(|&(_, part)| part)
        .copied()
        .collect();
    Ok(Header {
        format: with_trailing(ImageFormat::Jpeg, bytes.rest().len())?,
        width: frame.width.into(),
        height: frame.height.into(),
        orientation: segments.orientation.unwrap_or_default(),
        layout: frame.layout,
        jpeg: Traits {
            inverted_ink: segments.adobe,
            begins: segments.begins,
        },
        has_alpha: false,
        is_lossy: true,
        bit_depth: 8,
        frames: 1,
        plays: 1,
        color: if icc.is_empty() {
            Embedded::Nothing
        } else {
            Embedded::Icc(icc)
        },
    })
}

/// Takes in all segments up to the end marker.
fn walk<'a>(
    segments: &mut Segments<'a>,
    bytes: &mut Bytes<'a>,
    limits: &ImageLimits,
) -> Result<(), Rejection> {
    bytes.skip(2)?;
    loop {
        match marker(bytes)? {
            EOI => return Ok(()),
            0x01 | 0xD0..=SOI => {} // markers without a length
            kind => {
                let length = usize::from(bytes.u16_be()?);
                let body = length
                    .checked_sub(2)
                    .ok_or_else(|| reject::corrupt("a jpeg segment shorter than its length"))?;
                segment(segments, kind, bytes.take(body)?, limits)?;
                if kind == SOS {
                    skip_scan(bytes)?;
                }
            }
        }
    }
}

/// The markers before the first scan with what is in their segments, as far as they can be read.
pub(super) fn segments(file: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut bytes = Bytes::new(file.get(2..).unwrap_or_default());
    std::iter::from_fn(move || {
        loop {
            match marker(&mut bytes).ok()? {
                EOI | SOS => return None,
                0x01 | 0xD0..=SOI => {} // markers without a length
                kind => {
                    let body = usize::from(bytes.u16_be().ok()?).checked_sub(2)?;
                    return Some((kind, bytes.take(body).ok()?));
                }
            }
        }
    })
}

/// The next marker's code. Bytes that belong to nothing before it are skipped, as by every reader.
fn marker(bytes: &mut Bytes) -> Result<u8, Rejection> {
    loop {
        while bytes.u8()? != 0xFF {}
        let code = loop {
            match bytes.u8()? {
                0xFF => {}
                code => break code,
            }
        };
        if code != 0 {
            return Ok(code);
        }
    }
}

/// Moves past entropy-coded data to the marker that ends it (T.81 §B.1.1.5).
fn skip_scan(bytes: &mut Bytes) -> Result<(), Rejection> {
    loop {
        let rest = bytes.rest();
        let next = rest
            .iter()
            .position(|&byte| byte == 0xFF)
            .unwrap_or(rest.len());
        match rest.get(next + 1) {
            Some(0x00 | 0xD0..=0xD7) => bytes.skip(next + 2)?,
            Some(0xFF) => bytes.skip(next + 1)?,
            Some(_) => return bytes.skip(next),
            None => return bytes.skip(rest.len()),
        }
    }
}

fn segment<'a>(
    segments: &mut Segments<'a>,
    kind: u8,
    body: &'a [u8],
    limits: &ImageLimits,
) -> Result<(), Rejection> {
    match kind {
        SOF0..=SOF2 => {
            if segments.frame.is_some() {
                return Err(reject::corrupt("a jpeg with two frames"));
            }
            segments.frame = Some(frame(body, limits)?);
        }
        0xC3 | 0xC5..=0xC7 => return Err(reject::unsupported("lossless or hierarchical jpeg")),
        0xC9..=0xCB | 0xCD..=0xCF => return Err(reject::unsupported("arithmetic-coded jpeg")),
        SOS => scan(segments, body)?,
        APP1 if segments.orientation.is_none() => {
            segments.orientation = body.strip_prefix(b"Exif\0\0").map(exif::orientation);
        }
        APP2 => {
            if let Some([number, _count, part @ ..]) = body.strip_prefix(b"ICC_PROFILE\0") {
                segments.icc.push((*number, part));
            }
        }
        APP14 => segments.adobe |= body.starts_with(b"Adobe") && body.len() >= 12,
        _ => {}
    }
    Ok(())
}

fn frame(body: &[u8], limits: &ImageLimits) -> Result<Frame, Rejection> {
    let mut body = Bytes::new(body);
    let (precision, height, width) = (body.u8()?, body.u16_be()?, body.u16_be()?);
    let components = body.u8()?;
    limits.check_size(width.into(), height.into())?;
    if precision != 8 {
        return Err(reject::unsupported(format!("{precision}-bit jpeg")));
    }
    let layout = match components {
        1 => Layout::Gray,
        3 => Layout::Rgb,
        4 => Layout::Cmyk,
        count => {
            return Err(reject::unsupported(format!("jpeg of {count} components")));
        }
    };
    let specifications = body.take(3 * usize::from(components))?.chunks_exact(3);
    let components = specifications
        .map(|specification| specification[0])
        .collect();
    Ok(Frame {
        width,
        height,
        layout,
        components,
    })
}

/// Notes which components a scan begins (T.81 §B.2.3). Scans that only refine do not count: a file
/// that has no others for some component lacks a third of its picture.
fn scan(segments: &mut Segments, body: &[u8]) -> Result<(), Rejection> {
    let mut body = Bytes::new(body);
    let count = usize::from(body.u8()?);
    let components = body
        .take(2 * count)?
        .chunks_exact(2)
        .map(|component| component[0]);
    let (coarsest, _finest, bits) = (body.u8()?, body.u8()?, body.u8()?);
    let begins = coarsest == 0 && bits >> 4 == 0;
    segments.begins.push(begins);
    if begins {
        segments.scanned.extend(components.filter(|component| {
            segments
                .frame
                .as_ref()
                .is_some_and(|frame| frame.components.contains(component))
        }));
    }
    Ok(())
}
