//! The headers of a BMP: its size, how pixels are coded, and what their numbers mean.

use media::Rejection;

use super::channels::{self, Channel};
use crate::image::ImageLimits;
use crate::image::bytes::Bytes;
use crate::image::profile::Embedded;
use crate::image::raster::Layout;
use crate::image::reject;

/// Bytes of the file header, which is followed by one of the information headers.
const FILE_HEADER: usize = 14;

/// Bytes of `BITMAPCOREHEADER`, whose fields are 16 bits wide.
const CORE: u32 = 12;
/// Bytes of OS/2's second header, which numbers its compressions differently.
const OS2_V2: u32 = 64;
/// Bytes of the first header that names the bits of the colours.
const V2: u32 = 52;
/// Bytes of `BITMAPV4HEADER`.
const V4: u32 = 108;
/// Bytes of `BITMAPV5HEADER`, which may name a colour profile.
const V5: u32 = 124;

/// Most bytes of a colour profile.
const MAX_PROFILE: usize = 16 << 20;

/// How rows are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// One after the other, each padded to 4 bytes.
    Plain,
    /// As runs of equal pixels.
    Runs,
}

/// All that the headers say.
pub(super) struct Info {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) top_down: bool,
    /// Bits of a pixel: 1, 2, 4, 8, 16, 24 or 32.
    pub(super) bits: u32,
    pub(super) coding: Coding,
    /// Red, green, blue and alpha, of pixels of 16 or 32 bits.
    pub(super) channels: [Channel; 4],
    /// RGB. Of pixels of up to 8 bits.
    pub(super) palette: Vec<[u8; 3]>,
    /// Where the pixels begin in the file.
    pub(super) pixels_at: usize,
    pub(super) color: Embedded,
}

impl Info {
    pub(super) fn read(file: &[u8], limits: &ImageLimits) -> Result<Self, Rejection> {
        let mut bytes = Bytes::new(file);
        bytes.skip(10)?; // "BM", the file's length, which is often wrong, and reserved fields
        let pixels_at = bytes.u32_le()? as usize;
        let length = bytes.clone().u32_le()?;
        if length != CORE && !(16..=V5).contains(&length) {
            return Err(reject::unsupported(format!(
                "bmp with a header of {length} bytes"
            )));
        }
        let fields = Fields::read(bytes.take(length as usize)?, length)?;
        let (width, height) = (fields.width, fields.height.unsigned_abs());
        limits.check_size(width.cast_unsigned(), height)?;
        let compression = Compression::read(&fields)?;
        let channels = channels::read(&fields, compression, &mut bytes)?;
        let used = file.len() - bytes.rest().len();
        let pixels_at = pixels_at.max(used);
        let palette = if fields.bits <= 8 {
            palette(&fields, bytes.rest(), pixels_at - used)
        } else {
            Vec::new()
        };
        let coding = compression.coding();
        if coding == Coding::Runs && fields.height < 0 {
            return Err(reject::corrupt("a bmp of runs that stands on its head"));
        }
        Ok(Self {
            width: width.cast_unsigned(),
            height,
            top_down: fields.height < 0,
            bits: fields.bits,
            coding,
            channels,
            palette,
            pixels_at,
            color: fields.profile(file),
        })
    }

    pub(super) fn layout(&self) -> Layout {
        if self.coding == Coding::Runs || self.channels[3].is_there() {
            Layout::Rgba
        } else {
            Layout::Rgb
        }
    }

    /// Bits of one stored sample.
    pub(super) fn bit_depth(&self) -> u8 {
        match self.bits {
            bits @ ..=8 => u8::try_from(bits).unwrap_or(8),
            16 => 5,
            _ => 8,
        }
    }

    /// The palette's colour, black for one that it does not have.
    pub(super) fn palette_color(&self, index: u8) -> [u8; 3] {
        let color = self.palette.get(usize::from(index));
        color.copied().unwrap_or_default()
    }
}

/// The fields of an information header, zero where it has none.
pub(super) struct Fields<'a> {
    /// The header.
    bytes: &'a [u8],
    length: u32,
    width: i32,
    height: i32,
    pub(super) bits: u32,
    compression: u32,
    colors: u32,
}

impl<'a> Fields<'a> {
    fn read(header: &'a [u8], length: u32) -> Result<Self, Rejection> {
        let mut bytes = Bytes::new(header);
        bytes.skip(4)?; // length
        let (width, height);
        if length == CORE {
            (width, height) = (bytes.u16_le()?.into(), bytes.u16_le()?.into());
        } else {
            width = bytes.u32_le()?.cast_signed();
            height = bytes.u32_le()?.cast_signed();
        }
        bytes.skip(2)?; // planes
        let bits = bytes.u16_le()?.into();
        let mut fields = Self {
            bytes: header,
            length,
            width,
            height,
            bits,
            compression: 0,
            colors: 0,
        };
        (fields.compression, fields.colors) = if length == CORE {
            (0, 0)
        } else {
            (fields.at(16), fields.at(32))
        };
        if width <= 0 {
            return Err(reject::corrupt(format!("a bmp {width} pixels wide")));
        }
        Ok(fields)
    }

    /// The 32-bit field at an offset; zero if the header is shorter.
    pub(super) fn at(&self, offset: usize) -> u32 {
        let field = self.bytes.get(offset..offset + 4);
        field.map_or(0, |field| {
            u32::from_le_bytes([field[0], field[1], field[2], field[3]])
        })
    }

    /// Whether it names the bits of the colours.
    pub(super) fn names_masks(&self) -> bool {
        self.length >= V2 && self.length != OS2_V2
    }

    /// The colour profile in the file, if there is one. Calibrated colours without one are taken for sRGB, as in browsers.
    fn profile(&self, file: &[u8]) -> Embedded {
        const EMBEDDED: u32 = u32::from_be_bytes(*b"MBED");
        const SRGB: u32 = u32::from_be_bytes(*b"sRGB");
        match self.at(56) {
            SRGB if self.length >= V4 => Embedded::Srgb,
            EMBEDDED if self.length == V5 => {
                let start = FILE_HEADER.saturating_add(self.at(112) as usize);
                let end = start.saturating_add(self.at(116) as usize);
                let icc = file.get(start..end);
                icc.filter(|icc| icc.len() <= MAX_PROFILE)
                    .map_or(Embedded::Nothing, |icc| Embedded::Icc(icc.to_vec()))
            }
            _ => Embedded::Nothing,
        }
    }
}

/// How the pixels are to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    /// The header, or what follows it, says which bits are which colour.
    Masks {
        alpha: bool,
    },
    Runs,
}

impl Compression {
    fn read(fields: &Fields) -> Result<Self, Rejection> {
        let bits = fields.bits;
        let found = match (fields.compression, fields.length == OS2_V2) {
            (0, _) => Self::None,
            (1, _) if bits == 8 => Self::Runs,
            (2, _) if bits == 4 => Self::Runs,
            (3, false) => Self::Masks { alpha: false },
            (3, true) => return Err(reject::unsupported("huffman-coded bmp")),
            (4, true) if bits == 24 => Self::Runs,
            (4, false) => return Err(reject::unsupported("jpeg within a bmp")),
            (5, false) => return Err(reject::unsupported("png within a bmp")),
            (6, false) => Self::Masks { alpha: true },
            (kind, _) => {
                return Err(reject::corrupt(format!(
                    "a bmp of {bits} bits a pixel in compression {kind}"
                )));
            }
        };
        let fits = match found {
            Self::Masks { .. } => matches!(bits, 16 | 32),
            Self::Runs => true,
            Self::None => matches!(bits, 1 | 2 | 4 | 8 | 16 | 24 | 32),
        };
        if !fits {
            return Err(reject::corrupt(format!("a bmp of {bits} bits a pixel")));
        }
        Ok(found)
    }

    fn coding(self) -> Coding {
        if self == Self::Runs {
            Coding::Runs
        } else {
            Coding::Plain
        }
    }
}

/// The colours behind the headers, as many as there are and can be meant. `room` is how many bytes lie before the pixels.
fn palette(fields: &Fields, bytes: &[u8], room: usize) -> Vec<[u8; 3]> {
    let all = 1 << fields.bits;
    let count = match fields.colors as usize {
        0 => all,
        used => used.min(all),
    };
    let entry = if fields.length == CORE { 3 } else { 4 };
    let entries = bytes[..bytes.len().min(room)].chunks_exact(entry);
    let colors = entries.map(|entry| [entry[2], entry[1], entry[0]]);
    colors.take(count).collect()
}
