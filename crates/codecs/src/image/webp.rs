//! WebP (RFC 9649): lossy, lossless, with alpha, animated.
//!
//! Chunks decide, not the flags that announce them: tools that strip metadata forget the flags.

mod frames;
mod library;

use super::ImageLimits;
use super::bytes::Bytes;
use super::exif;
use super::header::{Header, with_trailing};
use super::jpeg;
use super::orient::Orientation;
use super::profile::Embedded;
use super::raster::Layout;
use super::reject;
use media::Rejection;
use media::formats::ImageFormat;

pub(super) use self::frames::{Frames, decode};

/// As many as a JPEG can hold (ICC.1:2022 annex B.4).
const MAX_PROFILE_BYTES: usize = 16 << 20;

/// What the chunks said so far.
#[derive(Default)]
struct Chunks {
    canvas: Option<(u32, u32)>,
    has_alpha: bool,
    has_pixels: bool,
    frames: u32,
    plays: u32,
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
        let taken = chunk(&mut riff).and_then(|chunk| chunks.take_in(&chunk, limits));
        // Behind the picture, whatever cannot be read is the end of the file.
        if taken.is_err() && !chunks.has_pixels {
            taken?;
        } else if taken.is_err() {
            break;
        }
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
        is_lossy: false,
        bit_depth: 8,
        frames: chunks.frames.max(1),
        plays: chunks.plays,
        color: chunks.icc.map_or(Embedded::Nothing, Embedded::Icc),
    })
}

impl Chunks {
    fn take_in(&mut self, chunk: &Chunk, limits: &ImageLimits) -> Result<(), Rejection> {
        let Chunk { kind, data, .. } = *chunk;
        let mut fields = Bytes::new(data);
        match &kind {
            b"VP8X" if self.canvas.is_none() => {
                fields.skip(4)?; // flags
                let (width, height) = (fields.u24_le()? + 1, fields.u24_le()? + 1);
                limits.check_size(width, height)?;
                self.canvas = Some((width, height));
            }
            b"ALPH" => self.has_alpha = true,
            b"VP8 " | b"VP8L" if self.frames == 0 && !self.has_pixels => {
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
            b"ANIM" => {
                fields.skip(4)?; // background, which no browser shows
                self.plays = fields.u16_le()?.into();
            }
            b"ANMF" => {
                let canvas = self.canvas.unwrap_or_default();
                let frame = frames::Frame::read(chunk, canvas)?;
                if self.frames == 0 {
                    // Something shows through what does not cover the canvas.
                    self.has_alpha = frame.has_alpha() || frame.size() != canvas;
                }
                self.frames = self.frames.saturating_add(1);
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
}

/// A chunk as it is in the file.
struct Chunk<'a> {
    kind: [u8; 4],
    /// Bytes that it has by its header.
    length: u32,
    /// The bytes that are there.
    data: &'a [u8],
}

/// The next chunk. Chunks are padded to an even length, the last perhaps not; the last may be cut.
fn chunk<'a>(bytes: &mut Bytes<'a>) -> Result<Chunk<'a>, Rejection> {
    let kind = bytes.fourcc()?;
    let length = bytes.u32_le()?;
    let there = bytes.rest().len().min(length as usize);
    let data = bytes.take(there)?;
    if length % 2 == 1 && !bytes.is_empty() {
        bytes.skip(1)?;
    }
    Ok(Chunk { kind, length, data })
}

/// What is in the first chunk of a kind, if it is whole.
pub(super) fn find(file: &[u8], kind: [u8; 4]) -> Option<&[u8]> {
    let mut riff = Bytes::new(file.get(12..)?);
    while !riff.is_empty() {
        let found = chunk(&mut riff).ok()?;
        if found.kind == kind {
            return (found.data.len() == found.length as usize).then_some(found.data);
        }
    }
    None
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
