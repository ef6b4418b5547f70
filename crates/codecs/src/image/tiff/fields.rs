//! What single fields of a TIFF mean, and whether it is decoded here.

use media::Rejection;

use super::directory::Directory;
use super::info::{Alpha, Compression, Meaning};
use crate::image::ImageLimits;
use crate::image::orient::Orientation;
use crate::image::reject;

/// The fields' numbers (TIFF 6.0 appendix A).
pub(super) mod tag {
    pub(in crate::image::tiff) const WIDTH: u16 = 256;
    pub(in crate::image::tiff) const HEIGHT: u16 = 257;
    pub(in crate::image::tiff) const BITS: u16 = 258;
    pub(in crate::image::tiff) const COMPRESSION: u16 = 259;
    pub(in crate::image::tiff) const PHOTOMETRIC: u16 = 262;
    pub(in crate::image::tiff) const FILL_ORDER: u16 = 266;
    pub(in crate::image::tiff) const STRIP_OFFSETS: u16 = 273;
    pub(in crate::image::tiff) const ORIENTATION: u16 = 274;
    pub(in crate::image::tiff) const SAMPLES: u16 = 277;
    pub(in crate::image::tiff) const ROWS_PER_STRIP: u16 = 278;
    pub(in crate::image::tiff) const STRIP_LENGTHS: u16 = 279;
    pub(in crate::image::tiff) const PLANAR: u16 = 284;
    pub(in crate::image::tiff) const T4_OPTIONS: u16 = 292;
    pub(in crate::image::tiff) const PREDICTOR: u16 = 317;
    pub(in crate::image::tiff) const PALETTE: u16 = 320;
    pub(in crate::image::tiff) const TILE_WIDTH: u16 = 322;
    pub(in crate::image::tiff) const TILE_HEIGHT: u16 = 323;
    pub(in crate::image::tiff) const TILE_OFFSETS: u16 = 324;
    pub(in crate::image::tiff) const TILE_LENGTHS: u16 = 325;
    pub(in crate::image::tiff) const INK_SET: u16 = 332;
    pub(in crate::image::tiff) const EXTRA_SAMPLES: u16 = 338;
    pub(in crate::image::tiff) const SAMPLE_FORMAT: u16 = 339;
    pub(in crate::image::tiff) const JPEG_TABLES: u16 = 347;
    pub(in crate::image::tiff) const SUBSAMPLING: u16 = 530;
    pub(in crate::image::tiff) const ICC: u16 = 34_675;
    pub(in crate::image::tiff) const DNG_VERSION: u16 = 50_706;
}

pub(super) fn compression(fields: &Directory) -> Result<Compression, Rejection> {
    const MIXED: u64 = 1;
    Ok(match fields.number(tag::COMPRESSION).unwrap_or(1) {
        1 => Compression::None,
        2 => Compression::Runs,
        3 if fields.number(tag::T4_OPTIONS).unwrap_or(0) & MIXED == 0 => Compression::Group3,
        3 => {
            return Err(reject::unsupported("tiff of two-dimensional ccitt group 3"));
        }
        4 => Compression::Group4,
        5 => Compression::Lzw,
        6 => return Err(reject::unsupported("old-style jpeg in a tiff")),
        7 => Compression::Jpeg,
        8 | 32_946 => Compression::Deflate,
        32_773 => Compression::PackBits,
        other => return Err(reject::unsupported(format!("tiff of compression {other}"))),
    })
}

pub(super) fn meaning(fields: &Directory) -> Result<Meaning, Rejection> {
    const CMYK_INKS: u64 = 1;
    Ok(match fields.number(tag::PHOTOMETRIC) {
        Some(0) => Meaning::WhiteIsZero,
        Some(1) => Meaning::BlackIsZero,
        Some(2) => Meaning::Rgb,
        Some(3) => Meaning::Palette,
        Some(5) if fields.number(tag::INK_SET).unwrap_or(CMYK_INKS) == CMYK_INKS => Meaning::Cmyk,
        Some(6) => Meaning::Ycc,
        Some(8) => Meaning::Lab { signed: true },
        Some(9) => Meaning::Lab { signed: false },
        Some(other) => return Err(reject::unsupported(format!("tiff of colours {other}"))),
        None => return Err(reject::corrupt("a tiff that does not say its colours")),
    })
}

pub(super) fn bits(fields: &Directory, samples: usize) -> Result<u8, Rejection> {
    const UNSIGNED: u64 = 1;
    const UNDEFINED: u64 = 4;
    let all: Vec<_> = fields.numbers(tag::BITS).take(samples).collect();
    let bits = all.first().copied().unwrap_or(1);
    if all.iter().any(|&other| other != bits) {
        return Err(reject::unsupported("tiff of samples of several widths"));
    }
    let mut formats = fields.numbers(tag::SAMPLE_FORMAT);
    if formats.any(|format| format != UNSIGNED && format != UNDEFINED) {
        return Err(reject::unsupported(
            "tiff of samples with a sign or a point",
        ));
    }
    u8::try_from(bits)
        .ok()
        .filter(|bits| (1..=16).contains(bits))
        .ok_or_else(|| reject::unsupported(format!("tiff of {bits} bits a sample")))
}

pub(super) fn alpha(
    fields: &Directory,
    meaning: Meaning,
    samples: usize,
) -> Result<Alpha, Rejection> {
    let colors = match meaning {
        Meaning::WhiteIsZero | Meaning::BlackIsZero | Meaning::Palette => 1,
        Meaning::Cmyk => 4,
        _ => 3,
    };
    if samples < colors {
        return Err(reject::corrupt("a tiff with too few samples"));
    }
    let may_have = matches!(
        meaning,
        Meaning::WhiteIsZero | Meaning::BlackIsZero | Meaning::Rgb
    );
    if samples == colors || !may_have {
        return Ok(Alpha::None);
    }
    Ok(match fields.number(tag::EXTRA_SAMPLES) {
        Some(1) => Alpha::Premultiplied,
        Some(2) => Alpha::Plain,
        // Old programs do not say what a fourth sample is.
        None if meaning == Meaning::Rgb && samples == 4 => Alpha::Plain,
        Some(_) | None => Alpha::None,
    })
}

pub(super) fn differences(fields: &Directory, compression: Compression) -> Result<bool, Rejection> {
    let predicted = matches!(compression, Compression::Lzw | Compression::Deflate);
    match fields.number(tag::PREDICTOR) {
        Some(2) => Ok(predicted),
        Some(3) => Err(reject::unsupported("tiff of samples with a point")),
        _ => Ok(false),
    }
}

/// Width and height of a strip or tile.
pub(super) fn chunk(
    fields: &Directory,
    (width, height): (u32, u32),
    limits: &ImageLimits,
) -> Result<(u32, u32), Rejection> {
    let low = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    if let Some(across) = fields.number(tag::TILE_WIDTH) {
        let down = fields.number(tag::TILE_HEIGHT).unwrap_or(0);
        let tile = (low(across), low(down));
        limits.check_size(tile.0, tile.1)?;
        return Ok(tile);
    }
    let rows = fields.number(tag::ROWS_PER_STRIP).map_or(height, low);
    Ok((width, rows.clamp(1, height)))
}

pub(super) fn palette(fields: &Directory) -> Vec<u16> {
    let mut palette: Vec<u16> = fields
        .numbers(tag::PALETTE)
        .map(|sample| u16::try_from(sample).unwrap_or(u16::MAX))
        .collect();
    // Some programs write 8 bits where there should be 16.
    if palette.iter().all(|&sample| sample < 256) {
        for sample in &mut palette {
            *sample *= 257;
        }
    }
    palette
}

pub(super) fn subsampling(
    fields: &Directory,
    meaning: Meaning,
    compression: Compression,
) -> Result<(u32, u32), Rejection> {
    if meaning != Meaning::Ycc || compression == Compression::Jpeg {
        return Ok((1, 1));
    }
    let factors: Vec<_> = fields.numbers(tag::SUBSAMPLING).take(2).collect();
    match factors.as_slice() {
        [] => Ok((2, 2)),
        &[across @ (1 | 2 | 4), down @ (1 | 2 | 4)] => Ok((
            u32::try_from(across).unwrap_or(1),
            u32::try_from(down).unwrap_or(1),
        )),
        _ => Err(reject::corrupt("a tiff of an odd subsampling")),
    }
}

pub(super) fn orientation(fields: &Directory) -> Orientation {
    let value = fields.number(tag::ORIENTATION);
    let value = value.and_then(|value| u16::try_from(value).ok());
    value.and_then(Orientation::new).unwrap_or_default()
}
