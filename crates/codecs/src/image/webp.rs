//! WebP (RFC 9649): lossy, lossless, with alpha, animated. The first frame is the picture.

use std::io::Cursor;

use image_webp::{DecodingError, WebPDecoder};
use media::Rejection;
use media::formats::ImageFormat;
use sandbox::Resource;

use super::ImageError;
use super::ImageLimits;
use super::bytes::Bytes;
use super::exif;
use super::header::{Header, with_trailing};
use super::jpeg;
use super::orient::Orientation;
use super::profile::Embedded;
use super::raster::{Layout, Raster};
use super::reject;

/// As many as a JPEG can hold (ICC.1:2022 annex B.4).
const MAX_PROFILE_BYTES: usize = 16 << 20;

/// What the chunks said so far.
#[derive(Default)]
struct Chunks {
    canvas: Option<(u32, u32)>,
    has_alpha: bool,
    has_pixels: bool,
    frames: u32,
    orientation: Orientation,
    icc: Option<Vec<u8>>,
}

pub(super) fn read(bytes: &[u8], limits: &ImageLimits) -> Result<Header, Rejection> {
    let mut file = Bytes::new(bytes);
    file.skip(4)?; // "RIFF"
    let size = file.u32_le()? as usize;
    let there = file.rest();
    let mut riff = Bytes::new(there.get(..size).unwrap_or(there));
    riff.skip(4)?; // "WEBP"
    let mut chunks = Chunks::default();
    while !riff.is_empty() {
        let (kind, data) = chunk(&mut riff)?;
        chunks.take_in(kind, data, limits)?;
    }
    if there.len() < size {
        return Err(reject::corrupt("the file ends between two chunks"));
    }
    let Some((width, height)) = chunks.canvas.filter(|_| chunks.has_pixels) else {
        return Err(reject::corrupt("a webp without a picture"));
    };
    Ok(Header {
        format: with_trailing(ImageFormat::Webp, there.len().saturating_sub(size))?,
        width,
        height,
        orientation: chunks.orientation,
        layout: if chunks.has_alpha {
            Layout::Rgba
        } else {
            Layout::Rgb
        },
        jpeg: jpeg::Traits::default(),
        has_alpha: chunks.has_alpha,
        bit_depth: 8,
        frames: chunks.frames.max(1),
        color: chunks.icc.map_or(Embedded::Nothing, Embedded::Icc),
    })
}

impl Chunks {
    fn take_in(
        &mut self,
        kind: [u8; 4],
        data: &[u8],
        limits: &ImageLimits,
    ) -> Result<(), Rejection> {
        let mut fields = Bytes::new(data);
        match &kind {
            b"VP8X" if self.canvas.is_none() => {
                const ALPHA: u8 = 0x10;
                self.has_alpha = fields.u8()? & ALPHA != 0;
                fields.skip(3)?;
                let (width, height) = (fields.u24_le()? + 1, fields.u24_le()? + 1);
                limits.check_size(width, height)?;
                self.canvas = Some((width, height));
            }
            b"VP8 " | b"VP8L" if self.frames == 0 => {
                let picture = Picture::read(kind, data)?;
                limits.check_size(picture.width, picture.height)?;
                let size = (picture.width, picture.height);
                if *self.canvas.get_or_insert(size) != size {
                    return Err(reject::corrupt(
                        "a webp picture that is not its canvas' size",
                    ));
                }
                self.has_alpha |= picture.has_alpha;
                self.has_pixels = true;
            }
            b"ANMF" => {
                self.frames = self.frames.saturating_add(1);
                limits.check_frames(self.frames)?;
                self.check_frame(data)?;
                self.has_pixels = true;
            }
            // A copy is made of it; the other formats' profiles are bounded by theirs.
            b"ICCP" if data.len() > MAX_PROFILE_BYTES => {
                return Err(reject::corrupt(
                    "a webp with a colour profile too large to be one",
                ));
            }
            b"ICCP" => self.icc = Some(data.to_vec()),
            b"EXIF" => self.orientation = exif::orientation(data),
            _ => {}
        }
        Ok(())
    }

    /// Refuses an animation frame that reaches over the canvas or holds a picture of another size.
    fn check_frame(&self, data: &[u8]) -> Result<(), Rejection> {
        let mut frame = Bytes::new(data);
        let (left, top) = (frame.u24_le()? * 2, frame.u24_le()? * 2);
        let (width, height) = (frame.u24_le()? + 1, frame.u24_le()? + 1);
        frame.skip(4)?; // duration and flags
        let (canvas_width, canvas_height) = self.canvas.unwrap_or_default();
        let inside = left + width <= canvas_width && top + height <= canvas_height;
        while !frame.is_empty() {
            let (kind, data) = chunk(&mut frame)?;
            if matches!(&kind, b"VP8 " | b"VP8L") {
                let picture = Picture::read(kind, data)?;
                return if inside && (picture.width, picture.height) == (width, height) {
                    Ok(())
                } else {
                    Err(reject::corrupt(
                        "a webp frame that does not fit its animation",
                    ))
                };
            }
        }
        Err(reject::corrupt("a webp frame without a picture"))
    }
}

/// A chunk's kind and data; both are padded to an even length, the last perhaps not.
fn chunk<'a>(bytes: &mut Bytes<'a>) -> Result<([u8; 4], &'a [u8]), Rejection> {
    let kind = bytes.fourcc()?;
    let length = bytes.u32_le()? as usize;
    let data = bytes.take(length)?;
    if length % 2 == 1 && !bytes.is_empty() {
        bytes.skip(1)?;
    }
    Ok((kind, data))
}

/// What a bitstream's own header declares.
struct Picture {
    width: u32,
    height: u32,
    has_alpha: bool,
}

impl Picture {
    fn read(kind: [u8; 4], data: &[u8]) -> Result<Self, Rejection> {
        const SIDE: u32 = 0x3FFF;
        let mut header = Bytes::new(data);
        if &kind == b"VP8L" {
            if header.u8()? != 0x2F {
                return Err(reject::corrupt("a lossless webp without its signature"));
            }
            let bits = header.u32_le()?;
            let (width, height) = ((bits & SIDE) + 1, (bits >> 14 & SIDE) + 1);
            return Ok(Self {
                width,
                height,
                has_alpha: bits >> 28 & 1 != 0,
            });
        }
        let is_key_frame = header.u24_le()? & 1 == 0;
        if !is_key_frame || header.take(3)? != [0x9D, 0x01, 0x2A] {
            return Err(reject::corrupt("a lossy webp without a key frame"));
        }
        let side = |raw: u16| u32::from(raw) & SIDE;
        let (width, height) = (side(header.u16_le()?), side(header.u16_le()?));
        Ok(Self {
            width,
            height,
            has_alpha: false,
        })
    }
}

pub(super) fn decode(bytes: &[u8], header: Header) -> Result<Raster, ImageError> {
    let failed = |error: DecodingError| match error {
        DecodingError::MemoryLimitExceeded => ImageError::LimitHit(Resource::Memory),
        error => reject::corrupt(format!("webp: {error}")).into(),
    };
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(failed)?;
    if decoder.dimensions() != (header.width, header.height) {
        return Err(reject::corrupt("webp: two sizes in one file").into());
    }
    let layout = if decoder.has_alpha() {
        Layout::Rgba
    } else {
        Layout::Rgb
    };
    let size = decoder
        .output_buffer_size()
        .ok_or(ImageError::LimitHit(Resource::Memory))?;
    let mut data = vec![0; size];
    decoder.read_image(&mut data).map_err(failed)?;
    Ok(Raster::new(
        (header.width, header.height),
        layout,
        header.color,
        data,
    )?)
}
