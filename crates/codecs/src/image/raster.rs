//! Decoded pixels: 8 bits a sample, interleaved, rows without padding.

use media::Rejection;

use super::profile::Embedded;
use super::reject;

/// The samples of one pixel, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Gray,
    GrayAlpha,
    Rgb,
    Rgba,
    /// Ink coverage, 255 for full ink.
    Cmyk,
}

impl Layout {
    pub(super) const fn channels(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::GrayAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba | Self::Cmyk => 4,
        }
    }

    pub(super) const fn has_alpha(self) -> bool {
        matches!(self, Self::GrayAlpha | Self::Rgba)
    }
}

/// A picture in memory. `data` holds exactly `width * height * layout.channels()` bytes.
pub(super) struct Raster {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) layout: Layout,
    pub(super) color: Embedded,
    pub(super) data: Vec<u8>,
}

impl Raster {
    pub(super) fn new(
        (width, height): (u32, u32),
        layout: Layout,
        color: Embedded,
        data: Vec<u8>,
    ) -> Result<Self, Rejection> {
        if Some(data.len()) != byte_len(width, height, layout.channels()) {
            let (len, channels) = (data.len(), layout.channels());
            let detail = format!("decoder gave {len} bytes for {width} x {height} x {channels}");
            return Err(reject::corrupt(detail));
        }
        Ok(Self {
            width,
            height,
            layout,
            color,
            data,
        })
    }

    /// The same picture with its pixels replaced, one for one.
    pub(super) fn with_pixels(self, layout: Layout, color: Embedded, data: Vec<u8>) -> Self {
        debug_assert_eq!(
            Some(data.len()),
            byte_len(self.width, self.height, layout.channels())
        );
        Self {
            layout,
            color,
            data,
            ..self
        }
    }
}

/// Bytes of a picture, unless it would not fit the address space.
pub(super) fn byte_len(width: u32, height: u32, channels: usize) -> Option<usize> {
    let pixels = usize::try_from(u64::from(width) * u64::from(height)).ok()?;
    pixels.checked_mul(channels)
}
