//! The canvas of an animation, on which frames are laid one after the other.

use super::ImageError;
use super::color;
use super::raster::{Raster, byte_len};
use sandbox::Resource;

const RGBA: usize = 4;

/// One frame as it is stored: a part of the canvas.
pub(super) struct Part {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    /// RGBA.
    pub(super) pixels: Vec<u8>,
    /// Whether what is on the canvas shows through where it is transparent.
    pub(super) blend: bool,
    /// What becomes of its part of the canvas when its time is over.
    pub(super) disposal: Disposal,
    /// How long it is shown, in milliseconds, as the file says.
    pub(super) milliseconds: u32,
}

impl Part {
    /// One that is all of the canvas, in sRGB.
    pub(super) fn whole(picture: Raster, milliseconds: u32) -> Result<Self, ImageError> {
        Ok(Self {
            left: 0,
            top: 0,
            width: picture.width,
            height: picture.height,
            pixels: color::to_rgba(color::to_srgb(picture)?),
            blend: false,
            disposal: Disposal::Keep,
            milliseconds,
        })
    }
}

/// What becomes of a frame's part of the canvas when its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposal {
    /// It stays.
    Keep,
    /// It is made transparent.
    Clear,
    /// It becomes what it was before the frame.
    Restore,
}

/// The canvas as it is shown, RGBA; transparent at first.
pub(super) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    pub(super) fn new((width, height): (u32, u32)) -> Result<Self, ImageError> {
        let size = byte_len(width, height, RGBA).ok_or(ImageError::LimitHit(Resource::Memory))?;
        Ok(Self {
            width: width as usize,
            height: height as usize,
            pixels: vec![0; size],
        })
    }

    pub(super) fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    pub(super) fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// Lays a frame on the canvas. What reaches over its edge is not shown.
    pub(super) fn draw(&mut self, part: &Part) {
        let row_len = part.width as usize * RGBA;
        let seen = self.seen(part);
        for (row, stored) in part.pixels.chunks_exact(row_len.max(1)).enumerate() {
            let Some(shown) = self.row(part, row) else {
                return;
            };
            let stored = &stored[..seen * RGBA];
            if part.blend {
                blend(&mut self.pixels[shown], stored);
            } else {
                self.pixels[shown].copy_from_slice(stored);
            }
        }
    }

    /// Ends a frame's time. `before` is the canvas as it was before the frame.
    pub(super) fn dispose(&mut self, part: &Part, before: Option<Vec<u8>>) {
        match (part.disposal, before) {
            (Disposal::Keep, _) => {}
            (Disposal::Restore, Some(before)) => self.pixels = before,
            (Disposal::Clear | Disposal::Restore, _) => {
                for row in 0..part.height as usize {
                    if let Some(shown) = self.row(part, row) {
                        self.pixels[shown].fill(0);
                    }
                }
            }
        }
    }

    /// Pixels of each of its rows that are on the canvas.
    fn seen(&self, part: &Part) -> usize {
        (part.width as usize).min(self.width.saturating_sub(part.left as usize))
    }

    /// Where a row of a frame lies among the canvas' bytes; nothing below its edge.
    fn row(&self, part: &Part, row: usize) -> Option<std::ops::Range<usize>> {
        let (left, top) = (part.left as usize, part.top as usize + row);
        let seen = self.seen(part);
        (top < self.height && seen > 0).then(|| {
            let start = (top * self.width + left) * RGBA;
            start..start + seen * RGBA
        })
    }
}

/// Lays pixels over others; alpha is not premultiplied (PNG third edition §13.16).
fn blend(below: &mut [u8], above: &[u8]) {
    let above = above.as_chunks::<RGBA>().0;
    for (below, above) in below.as_chunks_mut::<RGBA>().0.iter_mut().zip(above) {
        match above[3] {
            0 => {}
            255 => *below = *above,
            alpha => *below = over(*above, u32::from(alpha), *below),
        }
    }
}

fn over(above: [u8; RGBA], alpha: u32, below: [u8; RGBA]) -> [u8; RGBA] {
    // In 255ths of 255ths.
    let under = u32::from(below[3]) * (255 - alpha);
    let sum = alpha * 255 + under;
    let mix = |channel: usize| {
        let weighed = u32::from(above[channel]) * alpha * 255 + u32::from(below[channel]) * under;
        u8::try_from((weighed + sum / 2) / sum).unwrap_or(u8::MAX)
    };
    let alpha = u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX);
    [mix(0), mix(1), mix(2), alpha]
}
