//! The raster that pictures are painted on, tile by tile, at 8 bits.

use media::Rejection;

use super::codec;
use super::property::{Code, Part};
use super::samples::{self, Chroma, Planes};
use crate::image::ImageError;
use crate::image::color::Narrow;
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
    /// Known when the first tile is.
    kind: Option<Kind>,
}

struct Kind {
    layout: Layout,
    /// For samples of more than 8 bits.
    narrow: Option<Narrow>,
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
            kind: None,
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
        let mut put = |y: u32, row: &[u8]| -> Result<(), Rejection> {
            let line = (top + y) as usize * row_len;
            let place = &mut self.pixels[line + start..line + end];
            if place.len() != row.len() {
                return Err(super::reject::corrupt(
                    "tiles of another kind than the first",
                ));
            }
            place.copy_from_slice(row);
            Ok(())
        };
        if let Some(narrow) = &mut kind.narrow {
            let mut narrowed = Vec::new();
            samples::rows(tile, code, (width, height), |y, row: &[u16]| {
                narrowed.clear();
                narrow.row(row, &mut narrowed)?;
                put(y, &narrowed)
            })?;
        } else {
            samples::rows(tile, code, (width, height), put)?;
        }
        self.kind = Some(kind);
        Ok(())
    }

    fn begin(&mut self, tile: &Planes) -> Result<Kind, ImageError> {
        if self.color == Embedded::Nothing && !self.is_alpha {
            self.color = super::color(Some(tile.code));
        }
        let stored = if tile.chroma == Chroma::None {
            Layout::Gray
        } else {
            Layout::Rgb
        };
        let narrow = (tile.bits > 8).then(|| Narrow::new(&self.color, stored));
        let layout = narrow.as_ref().map_or(stored, Narrow::layout);
        let size = byte_len(self.size.0, self.size.1, layout.channels());
        self.pixels = vec![0; size.ok_or(ImageError::LimitHit(Resource::Memory))?];
        Ok(Kind { layout, narrow })
    }

    pub(super) fn finish(self) -> Result<Raster, ImageError> {
        let Some(kind) = self.kind else {
            return Err(super::reject::corrupt("a heif without a picture").into());
        };
        let color = if kind.narrow.is_some() {
            Embedded::Srgb
        } else {
            self.color
        };
        Ok(Raster::new(self.size, kind.layout, color, self.pixels)?)
    }
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
