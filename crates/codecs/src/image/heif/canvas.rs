//! The raster that pictures are painted on, tile by tile, at 8 bits.

use media::Rejection;

use super::codec;
use super::property::{Code, Part};
use super::samples::{self, Chroma, Planes};
use crate::image::ImageError;
use crate::image::color::Narrow;
use crate::image::hdr;
use crate::image::profile::Embedded;
use crate::image::raster::{Layout, Raster, byte_len};
use crate::image::resize;
use sandbox::Resource;

/// A picture that is being put together.
pub(super) struct Canvas {
    size: (u32, u32),
    /// What the container says of samples.
    code: Option<Code>,
    color: Embedded,
    /// Only luma counts.
    is_alpha: bool,
    pixels: Vec<u8>,
    /// Whether it is one of many, which must look alike.
    is_frame: bool,
    /// Known when the first tile is.
    kind: Option<Kind>,
}

struct Kind {
    layout: Layout,
    samples: Samples,
}

/// Where the samples of tiles go.
enum Samples {
    /// To the pixels, as they are.
    Plain,
    /// To the pixels, in sRGB.
    Narrowed(Narrow),
    /// Here, until all are there and their light can be measured.
    Wide(Vec<u16>),
}

impl Canvas {
    pub(super) fn new(
        size: (u32, u32),
        code: Option<Code>,
        color: Embedded,
        is_alpha: bool,
    ) -> Self {
        Self {
            size,
            code,
            color,
            is_alpha,
            pixels: Vec::new(),
            is_frame: false,
            kind: None,
        }
    }

    /// Of an animation.
    pub(super) fn of_many(self) -> Self {
        Self {
            is_frame: true,
            ..self
        }
    }

    /// Paints a tile of that size, as far as it is on the canvas.
    pub(super) fn paint(
        &mut self,
        tile: &Planes,
        (left, top): (u32, u32),
        size: (u32, u32),
    ) -> Result<(), ImageError> {
        let code = codec::code(self.code, tile.code);
        let luma = Planes {
            chroma: Chroma::None,
            ..*tile
        };
        let tile = if self.is_alpha { &luma } else { tile };
        let mut kind = match self.kind.take() {
            Some(kind) => kind,
            None => self.begin(tile)?,
        };
        let width = size.0.min(self.size.0.saturating_sub(left));
        let height = size.1.min(self.size.1.saturating_sub(top));
        let channels = kind.layout.channels();
        let row_len = self.size.0 as usize * channels;
        let start = left as usize * channels;
        let end = start + width as usize * channels;
        let place = |y: u32| {
            let line = (top + y) as usize * row_len;
            line + start..line + end
        };
        match &mut kind.samples {
            Samples::Plain => samples::rows(tile, code, (width, height), |y, row: &[u8]| {
                put(&mut self.pixels[place(y)], row)
            })?,
            Samples::Narrowed(narrow) => {
                let mut narrowed = Vec::new();
                samples::rows(tile, code, (width, height), |y, row: &[u16]| {
                    narrowed.clear();
                    narrow.row(row, &mut narrowed)?;
                    put(&mut self.pixels[place(y)], &narrowed)
                })?;
            }
            Samples::Wide(wide) => {
                samples::rows(tile, code, (width, height), |y, row: &[u16]| {
                    put(&mut wide[place(y)], row)
                })?;
            }
        }
        self.kind = Some(kind);
        Ok(())
    }

    fn begin(&mut self, tile: &Planes) -> Result<Kind, ImageError> {
        if self.color == Embedded::Nothing && !self.is_alpha {
            self.color = super::color(Some(tile.code), None);
        }
        let stored = if tile.chroma == Chroma::None {
            Layout::Gray
        } else {
            Layout::Rgb
        };
        let (layout, samples) = if tile.bits <= 8 {
            (stored, Samples::Plain)
        } else if self.color.light(stored).is_some() && !self.is_frame {
            (stored, Samples::Wide(Vec::new()))
        } else {
            let narrow = Narrow::new(&self.color, stored);
            (narrow.layout(), Samples::Narrowed(narrow))
        };
        let size = byte_len(self.size.0, self.size.1, layout.channels());
        let size = size.ok_or(ImageError::LimitHit(Resource::Memory))?;
        let samples = if let Samples::Wide(_) = samples {
            Samples::Wide(vec![0; size])
        } else {
            self.pixels = vec![0; size];
            samples
        };
        Ok(Kind { layout, samples })
    }

    pub(super) fn finish(mut self) -> Result<Raster, ImageError> {
        let Some(Kind { layout, samples }) = self.kind else {
            return Err(super::reject::corrupt("a heif without a picture").into());
        };
        let (layout, color) = match samples {
            Samples::Narrowed(narrow) => (layout, narrow.color()),
            Samples::Plain if self.is_frame => (layout, self.color),
            Samples::Plain => {
                let samples = self.pixels.iter().map(|&sample| u16::from(sample) * 257);
                let color = self
                    .color
                    .measured(layout, || hdr::highest(samples, layout));
                (layout, color)
            }
            Samples::Wide(wide) => {
                let samples = wide.iter().copied();
                let color = self
                    .color
                    .measured(layout, || hdr::highest(samples, layout));
                let mut narrow = Narrow::new(&color, layout);
                for row in wide.chunks_exact(self.size.0 as usize * layout.channels()) {
                    narrow.row(row, &mut self.pixels)?;
                }
                (narrow.layout(), narrow.color())
            }
        };
        Ok(Raster::new(self.size, layout, color, self.pixels)?)
    }
}

/// Copies a row of a tile to its place.
fn put<S: Copy>(place: &mut [S], row: &[S]) -> Result<(), Rejection> {
    if place.len() != row.len() {
        return Err(super::reject::corrupt(
            "tiles of another kind than the first",
        ));
    }
    place.copy_from_slice(row);
    Ok(())
}

/// A picture with its alpha channel, whose luma is how visible each pixel is.
pub(super) fn with_alpha(
    picture: Raster,
    alpha: Raster,
    premultiplied: bool,
) -> Result<Raster, ImageError> {
    let alpha = resize::to(alpha, (picture.width, picture.height))?;
    let mut data = Vec::with_capacity(picture.data.len() + alpha.data.len());
    let colors = picture.data.chunks_exact(picture.layout.channels());
    for (color, &alpha) in colors.zip(&alpha.data) {
        let plain = |&sample: &u8| {
            let plain = (u32::from(sample) * 255 + u32::from(alpha) / 2) / u32::from(alpha).max(1);
            u8::try_from(plain).unwrap_or(u8::MAX)
        };
        if premultiplied {
            data.extend(color.iter().map(plain));
        } else {
            data.extend_from_slice(color);
        }
        data.push(alpha);
    }
    let layout = if picture.layout == Layout::Gray {
        Layout::GrayAlpha
    } else {
        Layout::Rgba
    };
    let color = picture.color.clone();
    Ok(picture.with_pixels(layout, color, data))
}

/// The part of a picture that is shown.
pub(super) fn cropped(picture: Raster, part: Part) -> Result<Raster, ImageError> {
    if (part.width, part.height) == (picture.width, picture.height) {
        return Ok(picture);
    }
    let channels = picture.layout.channels();
    let rows = picture.data.chunks_exact(picture.width as usize * channels);
    let seen = part.left as usize * channels..(part.left + part.width) as usize * channels;
    let rows = rows.skip(part.top as usize).take(part.height as usize);
    let data = rows.flat_map(|row| &row[seen.clone()]).copied().collect();
    let size = (part.width, part.height);
    Ok(Raster::new(size, picture.layout, picture.color, data)?)
}
