//! Which bits of a pixel are which colour.

use media::Rejection;

use super::header::{Compression, Fields};
use crate::image::bytes::Bytes;
use crate::image::reject;

/// Where the bits of a channel are in a pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Channel {
    shift: u32,
    bits: u32,
}

/// Which bits are which colour; takes them from behind the header if it does not name them itself.
pub(super) fn read(
    fields: &Fields,
    compression: Compression,
    behind: &mut Bytes,
) -> Result<[Channel; 4], Rejection> {
    let mut masks = if fields.bits == 16 {
        [0x7C00, 0x03E0, 0x001F, 0]
    } else {
        [0x00FF_0000, 0x0000_FF00, 0x0000_00FF, 0]
    };
    if fields.names_masks() {
        if compression != Compression::None {
            masks = [fields.at(40), fields.at(44), fields.at(48), 0];
        }
        masks[3] = fields.at(52);
    } else if let Compression::Masks { alpha } = compression {
        for mask in &mut masks[..if alpha { 4 } else { 3 }] {
            *mask = behind.u32_le()?;
        }
    }
    if !matches!(fields.bits, 16 | 32) {
        return Ok([Channel::default(); 4]);
    }
    if fields.bits == 16 {
        // Some name bits that their pixels do not have.
        masks = masks.map(|mask| mask & 0xFFFF);
    }
    let mut seen = 0;
    let mut channels = [Channel::default(); 4];
    for (channel, mask) in channels.iter_mut().zip(masks) {
        if seen & mask != 0 {
            return Err(reject::corrupt("a bmp whose colours share bits"));
        }
        seen |= mask;
        *channel = Channel::of_mask(mask)?;
    }
    Ok(channels)
}

impl Channel {
    fn of_mask(mask: u32) -> Result<Self, Rejection> {
        if mask == 0 {
            return Ok(Self::default());
        }
        let shift = mask.trailing_zeros();
        let bits = (mask >> shift).trailing_ones();
        if mask.count_ones() != bits {
            return Err(reject::corrupt("a bmp whose colours have gaps"));
        }
        Ok(Self { shift, bits })
    }

    pub(super) fn is_there(self) -> bool {
        self.bits > 0
    }

    /// The channel's value in a pixel, of 0 to 255.
    pub(super) fn of(self, pixel: u32) -> u8 {
        let value = (u64::from(pixel) >> self.shift) & ((1 << self.bits) - 1);
        let value = match self.bits {
            0 => 0,
            bits @ 1..=8 => {
                let top = (1 << bits) - 1;
                (value * 255 + top / 2) / top
            }
            bits => value >> (bits - 8),
        };
        u8::try_from(value).unwrap_or(u8::MAX)
    }
}
