//! What the fields of a TIFF say of its first page, as far as it is decoded here.

use media::Rejection;

use super::directory::Directory;
use super::fields::{self, tag};
use crate::image::ImageLimits;
use crate::image::orient::Orientation;
use crate::image::profile::Embedded;
use crate::image::raster::Layout;
use crate::image::reject;

/// Most samples of a pixel.
const MAX_SAMPLES: u64 = 16;

/// How samples are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    /// Rows of CCITT group 3 without marks between them.
    Runs,
    Group3,
    Group4,
    Lzw,
    Jpeg,
    Deflate,
    PackBits,
}

/// What samples mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    WhiteIsZero,
    BlackIsZero,
    Rgb,
    Palette,
    Cmyk,
    Ycc,
    /// CIE L*a*b*, with a and b from -128 on; or as ICC has it, from 0 on.
    Lab {
        signed: bool,
    },
}

/// The alpha channel behind the colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alpha {
    None,
    Plain,
    /// The colours were multiplied with it.
    Premultiplied,
}

/// All that is known of the page.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of the format"
)]
pub(super) struct Info {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) little: bool,
    /// Of a sample.
    pub(super) bits: u8,
    /// Samples of a pixel, those included that are not looked at.
    pub(super) samples: usize,
    pub(super) meaning: Meaning,
    pub(super) alpha: Alpha,
    pub(super) compression: Compression,
    /// Whether bytes begin with their lowest bit.
    pub(super) lowest_first: bool,
    /// Whether each kind of sample is stored apart.
    pub(super) planar: bool,
    /// Whether samples are stored as differences from the one to their left.
    pub(super) differences: bool,
    /// Width and height of a strip or tile.
    pub(super) chunk: (u32, u32),
    pub(super) is_tiled: bool,
    pub(super) offsets: Vec<u64>,
    /// Bytes of each; may lack some.
    pub(super) lengths: Vec<u64>,
    /// Red, green and blue of 16 bits, all of one after all of the other.
    pub(super) palette: Vec<u16>,
    /// How many pixels share their colour, across and down.
    pub(super) subsampling: (u32, u32),
    pub(super) jpeg_tables: Vec<u8>,
    pub(super) orientation: Orientation,
    pub(super) color: Embedded,
}

impl Info {
    pub(super) fn read(file: &[u8], limits: &ImageLimits) -> Result<Self, Rejection> {
        let directory = Directory::read(file)?;
        let side = |tag| {
            let side = directory.number(tag);
            let side = side.ok_or_else(|| reject::corrupt("a tiff without its size"))?;
            Ok::<u32, Rejection>(u32::try_from(side).unwrap_or(u32::MAX))
        };
        let (width, height) = (side(tag::WIDTH)?, side(tag::HEIGHT)?);
        limits.check_size(width, height)?;
        if directory.number(tag::DNG_VERSION).is_some() {
            return Err(reject::unsupported("camera raw"));
        }
        let samples = directory.number(tag::SAMPLES).unwrap_or(1);
        if !(1..=MAX_SAMPLES).contains(&samples) {
            return Err(reject::unsupported(format!("tiff of {samples} samples")));
        }
        let samples = usize::try_from(samples).unwrap_or(1);
        let compression = fields::compression(&directory)?;
        let meaning = fields::meaning(&directory)?;
        let is_tiled = directory.number(tag::TILE_WIDTH).is_some();
        let chunk = fields::chunk(&directory, (width, height), limits)?;
        let numbers = |tag| directory.numbers(tag).collect::<Vec<_>>();
        let (offsets, lengths) = if is_tiled && directory.number(tag::TILE_OFFSETS).is_some() {
            (numbers(tag::TILE_OFFSETS), numbers(tag::TILE_LENGTHS))
        } else {
            (numbers(tag::STRIP_OFFSETS), numbers(tag::STRIP_LENGTHS))
        };
        let icc = directory.bytes(tag::ICC);
        let info = Self {
            width,
            height,
            little: directory.little,
            bits: fields::bits(&directory, samples)?,
            samples,
            meaning,
            alpha: fields::alpha(&directory, meaning, samples)?,
            compression,
            lowest_first: directory.number(tag::FILL_ORDER) == Some(2),
            planar: directory.number(tag::PLANAR) == Some(2) && samples > 1,
            differences: fields::differences(&directory, compression)?,
            chunk,
            is_tiled,
            offsets,
            lengths,
            palette: fields::palette(&directory),
            subsampling: fields::subsampling(&directory, meaning, compression)?,
            jpeg_tables: directory
                .bytes(tag::JPEG_TABLES)
                .unwrap_or_default()
                .to_vec(),
            orientation: fields::orientation(&directory),
            color: icc.map_or(Embedded::Nothing, |icc| Embedded::Icc(icc.to_vec())),
        };
        info.check()?;
        Ok(info)
    }

    /// Refuses what fits into the fields and makes no sense together.
    fn check(&self) -> Result<(), Rejection> {
        if self.offsets.is_empty() {
            return Err(reject::corrupt("a tiff without a picture"));
        }
        let bits = self.bits;
        let fits = match self.compression {
            Compression::Runs | Compression::Group3 | Compression::Group4 => {
                bits == 1 && (self.samples == 1 || self.planar)
            }
            Compression::Jpeg => bits == 8,
            _ => !self.differences || matches!(bits, 8 | 16),
        };
        let known = match self.meaning {
            Meaning::Lab { .. } => matches!(bits, 8 | 16),
            Meaning::Ycc => bits == 8,
            Meaning::Palette => bits <= 8 && self.palette.len() >= 3,
            _ => true,
        };
        if !fits || !known {
            return Err(reject::unsupported(format!("tiff of {bits} bits a sample")));
        }
        if self.has_shared_colors() && (self.planar || self.samples != 3) {
            return Err(reject::unsupported("tiff of shared colours in planes"));
        }
        Ok(())
    }

    /// Whether pixels share colours in what is unpacked; JPEG does that by itself.
    pub(super) fn has_shared_colors(&self) -> bool {
        self.subsampling != (1, 1)
    }

    /// Samples that make the colour.
    pub(super) fn colors(&self) -> usize {
        match self.meaning {
            Meaning::WhiteIsZero | Meaning::BlackIsZero | Meaning::Palette => 1,
            Meaning::Rgb | Meaning::Ycc | Meaning::Lab { .. } => 3,
            Meaning::Cmyk => 4,
        }
    }

    pub(super) fn layout(&self) -> Layout {
        let has_alpha = self.alpha != Alpha::None;
        match (self.meaning, has_alpha) {
            (Meaning::WhiteIsZero | Meaning::BlackIsZero, false) => Layout::Gray,
            (Meaning::WhiteIsZero | Meaning::BlackIsZero, true) => Layout::GrayAlpha,
            (Meaning::Cmyk, _) => Layout::Cmyk,
            (_, true) => Layout::Rgba,
            (_, false) => Layout::Rgb,
        }
    }
}
