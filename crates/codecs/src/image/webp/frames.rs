//! The pictures of a WebP: the still one, or an animation's frames.

use super::library;
use super::{Chunk, Picture, chunk};
use crate::image::ImageError;
use crate::image::bytes::Bytes;
use crate::image::canvas::{Canvas, Disposal, Part};
use crate::image::extent::Extent;
use crate::image::header::Header;
use crate::image::raster::{Layout, Raster};
use crate::image::reject;
use media::Rejection;

/// Bytes of the fields before a frame's own chunks (RFC 9649 §2.7.1.1).
const FRAME_FIELDS: usize = 16;

/// A picture's bitstream, and its alpha if that is stored apart.
pub(super) struct Stream<'a> {
    pub(super) alpha: Option<Chunk<'a>>,
    pub(super) picture: Chunk<'a>,
    pub(super) size: (u32, u32),
    has_alpha: bool,
}

impl<'a> Stream<'a> {
    /// The first picture among the chunks.
    fn read(bytes: &mut Bytes<'a>) -> Result<Self, Rejection> {
        let mut alpha = None;
        while !bytes.is_empty() {
            let found = chunk(bytes)?;
            match &found.kind {
                b"ALPH" if found.data.len() == found.length as usize => alpha = Some(found),
                b"VP8 " | b"VP8L" => {
                    let picture = Picture::read(found.kind, found.data)?;
                    return Ok(Self {
                        has_alpha: picture.has_alpha || alpha.is_some(),
                        // Lossless pictures bring their own.
                        alpha: alpha.filter(|_| &found.kind == b"VP8 "),
                        picture: found,
                        size: (picture.width, picture.height),
                    });
                }
                _ => {}
            }
        }
        Err(reject::corrupt("a webp without a picture"))
    }
}

/// A frame of an animation.
pub(super) struct Frame<'a> {
    left: u32,
    top: u32,
    stream: Stream<'a>,
    milliseconds: u32,
    flags: u8,
}

impl<'a> Frame<'a> {
    /// Refuses a frame that is not whole, that reaches over the canvas or holds a picture of another size.
    pub(super) fn read(chunk: &Chunk<'a>, canvas: (u32, u32)) -> Result<Self, Rejection> {
        if chunk.data.len() < chunk.length as usize {
            return Err(reject::corrupt("the file ends within a frame"));
        }
        let mut frame = Bytes::new(chunk.data);
        let mut fields = Bytes::new(frame.take(FRAME_FIELDS)?);
        let (left, top) = (fields.u24_le()? * 2, fields.u24_le()? * 2);
        let (width, height) = (fields.u24_le()? + 1, fields.u24_le()? + 1);
        let (milliseconds, flags) = (fields.u24_le()?, fields.u8()?);
        let stream = Stream::read(&mut frame)?;
        let inside = left + width <= canvas.0 && top + height <= canvas.1;
        if !inside || stream.size != (width, height) {
            return Err(reject::corrupt(
                "a webp frame that does not fit its animation",
            ));
        }
        Ok(Self {
            left,
            top,
            stream,
            milliseconds,
            flags,
        })
    }

    pub(super) fn size(&self) -> (u32, u32) {
        self.stream.size
    }

    pub(super) fn has_alpha(&self) -> bool {
        self.stream.has_alpha
    }

    fn part(&self) -> Result<(Part, Extent), ImageError> {
        const NO_BLEND: u8 = 2;
        const CLEAR: u8 = 1;
        let (width, height) = self.stream.size;
        let (pixels, extent) = library::decode(&self.stream, Layout::Rgba)?;
        let part = Part {
            left: self.left,
            top: self.top,
            width,
            height,
            pixels,
            blend: self.flags & NO_BLEND == 0,
            disposal: if self.flags & CLEAR == 0 {
                Disposal::Keep
            } else {
                Disposal::Clear
            },
            milliseconds: self.milliseconds,
        };
        Ok((part, extent))
    }
}

/// The chunks of a file, with those that its header does not count.
fn chunks(bytes: &[u8]) -> Result<Bytes<'_>, Rejection> {
    let mut file = Bytes::new(bytes);
    file.skip(4)?; // "RIFF"
    let size = file.u32_le()? as usize;
    let there = file.rest();
    let mut riff = Bytes::new(there.get(..size).unwrap_or(there));
    riff.skip(4)?; // "WEBP"
    Ok(riff)
}

/// The still picture, or the first frame on its canvas.
pub(in crate::image) fn decode(
    bytes: &[u8],
    header: Header,
) -> Result<(Raster, Extent), ImageError> {
    let size = (header.width, header.height);
    let mut frames = Frames::new(bytes, size)?;
    if let Some(first) = frames.next()? {
        if header.frames == 1 {
            // What follows is a frame that is not whole, if anything.
            frames.next()?;
        }
        let mut canvas = Canvas::new(size)?;
        canvas.draw(&first);
        let pixels = canvas.into_pixels();
        let picture = Raster::new(size, Layout::Rgba, header.color, pixels)?;
        return Ok((picture, frames.extent));
    }
    let stream = Stream::read(&mut chunks(bytes)?)?;
    let (pixels, extent) = library::decode(&stream, header.layout)?;
    let picture = Raster::new(size, header.layout, header.color, pixels)?;
    Ok((picture, extent))
}

/// The frames of an animation, one after the other; none of a still picture.
pub(in crate::image) struct Frames<'a> {
    chunks: Bytes<'a>,
    canvas: (u32, u32),
    /// Whether a frame was read.
    begun: bool,
    extent: Extent,
}

impl<'a> Frames<'a> {
    pub(in crate::image) fn new(bytes: &'a [u8], canvas: (u32, u32)) -> Result<Self, Rejection> {
        Ok(Self {
            chunks: chunks(bytes)?,
            canvas,
            begun: false,
            extent: Extent::Whole,
        })
    }

    /// The next frame. Nothing behind the last, or where it cannot be read any further.
    pub(in crate::image) fn next(&mut self) -> Result<Option<Part>, ImageError> {
        while !self.chunks.is_empty() {
            let Ok(found) = chunk(&mut self.chunks) else {
                return Ok(None);
            };
            if &found.kind != b"ANMF" {
                continue;
            }
            let Ok(frame) = Frame::read(&found, self.canvas) else {
                self.extent = Extent::Cut;
                return Ok(None);
            };
            let begun = std::mem::replace(&mut self.begun, true);
            match frame.part() {
                Ok((part, extent)) => {
                    if extent == Extent::Cut {
                        self.extent = extent;
                    }
                    return Ok(Some(part));
                }
                Err(ImageError::Rejected(_)) if begun => {
                    self.extent = Extent::Cut;
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Whether all was there, of the frames that were asked for.
    pub(in crate::image) fn extent(&self) -> Extent {
        self.extent
    }
}
