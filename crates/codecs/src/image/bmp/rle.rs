//! Pixels that are stored as runs: of 4 or 8 bits by Windows' rules, of 24 by those of OS/2.

use media::Rejection;

use super::header::Info;
use crate::image::ImageError;
use crate::image::bytes::Bytes;
use crate::image::raster::byte_len;
use sandbox::Resource;

const RGBA: usize = 4;

/// The pixels as RGBA, and how many rows of them there are.
pub(super) fn decode(info: &Info, data: &[u8]) -> Result<(Vec<u8>, u32), ImageError> {
    let size = byte_len(info.width, info.height, RGBA);
    let size = size.ok_or(ImageError::LimitHit(Resource::Memory))?;
    let mut runs = Runs {
        info,
        bytes: Bytes::new(data),
        pixels: vec![0; size],
        x: 0,
        row: 0,
    };
    let whole = loop {
        match runs.step() {
            Ok(true) if runs.row < info.height => {}
            Ok(_) => break true,
            Err(_) => break false,
        }
    };
    let rows = if whole { info.height } else { runs.row };
    Ok((runs.pixels, rows))
}

struct Runs<'a> {
    info: &'a Info,
    bytes: Bytes<'a>,
    pixels: Vec<u8>,
    /// The next pixel, from the left.
    x: u32,
    /// Its row, from the bottom.
    row: u32,
}

impl Runs<'_> {
    /// Takes in one code; false if it was the last.
    fn step(&mut self) -> Result<bool, Rejection> {
        match (self.bytes.u8()?, self.info.bits) {
            (0, _) => return self.escape(),
            (count, 4) => {
                let pair = self.bytes.u8()?;
                for index in 0..count {
                    self.put(self.info.palette_color(nibble(pair, index)));
                }
            }
            (count, _) => {
                let color = self.color()?;
                for _ in 0..count {
                    self.put(color);
                }
            }
        }
        Ok(true)
    }

    fn escape(&mut self) -> Result<bool, Rejection> {
        match self.bytes.u8()? {
            0 => (self.x, self.row) = (0, self.row + 1),
            1 => return Ok(false),
            2 => {
                let (right, up) = (self.bytes.u8()?, self.bytes.u8()?);
                self.x = self.x.saturating_add(right.into());
                self.row = self.row.saturating_add(up.into());
            }
            count => self.literal(count)?,
        }
        Ok(true)
    }

    /// Pixels one by one, padded to 2 bytes.
    fn literal(&mut self, count: u8) -> Result<(), Rejection> {
        let before = self.bytes.rest().len();
        if self.info.bits == 4 {
            for index in (0..count).step_by(2) {
                let pair = self.bytes.u8()?;
                for index in index..count.min(index.saturating_add(2)) {
                    self.put(self.info.palette_color(nibble(pair, index)));
                }
            }
        } else {
            for _ in 0..count {
                let color = self.color()?;
                self.put(color);
            }
        }
        let taken = before - self.bytes.rest().len();
        self.bytes.skip(taken % 2)
    }

    fn color(&mut self) -> Result<[u8; 3], Rejection> {
        if self.info.bits == 24 {
            let (blue, green, red) = (self.bytes.u8()?, self.bytes.u8()?, self.bytes.u8()?);
            return Ok([red, green, blue]);
        }
        let index = self.bytes.u8()?;
        Ok(self.info.palette_color(index))
    }

    /// What reaches over the right edge is not shown.
    fn put(&mut self, [red, green, blue]: [u8; 3]) {
        let Info { width, height, .. } = *self.info;
        if self.x < width && self.row < height {
            let pixel = (height - 1 - self.row) as usize * width as usize + self.x as usize;
            self.pixels[pixel * RGBA..][..RGBA].copy_from_slice(&[red, green, blue, u8::MAX]);
        }
        self.x = self.x.saturating_add(1);
    }
}

/// The first of each two pixels is in the upper half of a byte.
fn nibble(pair: u8, index: u8) -> u8 {
    if index.is_multiple_of(2) {
        pair >> 4
    } else {
        pair & 15
    }
}
