//! Strips and tiles that are JPEGs, whose tables may be kept apart (TIFF Technical Note 2).

use super::info::{Info, Meaning};
use crate::image::ImageError;
use crate::image::jpeg::{Colors, decode_part};
use crate::image::reject;

/// Width, height and samples of a strip or tile of at most that size, with so many samples a pixel.
pub(super) fn samples(
    info: &Info,
    packed: &[u8],
    most: (u32, u32),
    per_pixel: usize,
) -> Result<(u32, u32, Vec<u8>), ImageError> {
    const MARKER: usize = 2;
    let tables = info.jpeg_tables.as_slice();
    let whole: Vec<u8>;
    let file = if tables.len() > 2 * MARKER && packed.len() > MARKER {
        whole = [&tables[..tables.len() - MARKER], &packed[MARKER..]].concat();
        &whole
    } else {
        packed
    };
    let colors = if info.meaning == Meaning::Ycc {
        Colors::Converted
    } else {
        Colors::AsStored
    };
    let (size, samples) = decode_part(file, colors, most, per_pixel)?;
    if size.0 < most.0 {
        return Err(reject::corrupt("a tiff's strip that is not as wide as it").into());
    }
    Ok((size.0, size.1, samples))
}
