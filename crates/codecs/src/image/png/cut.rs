//! Pictures that end before their last row.
//!
//! The decoder keeps back what it unpacked last, so it is given a file that is whole: of such a picture all is unpacked that
//! can be, the rest is made up, and of the rows that come out only those are taken that were there.

use std::io::Write as _;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Decompress, FlushDecompress};
use media::Rejection;

use super::chunks::Found;
use super::{Reader, SIGNATURE};
use crate::image::bytes::Bytes;
use crate::image::extent::Extent;
use crate::image::reject;

/// Left, across, top and down of each pass (PNG third edition §8.2).
const PASSES: [[u32; 4]; 7] = [
    [0, 8, 0, 8],
    [4, 8, 0, 8],
    [0, 4, 4, 8],
    [2, 4, 0, 4],
    [0, 2, 2, 4],
    [1, 2, 0, 2],
    [0, 1, 1, 2],
];

/// Makes the file whole, and says how many of its unpacked bytes were there; nothing if all were.
pub(super) fn mend(found: &mut Found) -> Result<Option<usize>, Rejection> {
    let mut bytes = Bytes::new(&found.clean);
    let mut clean = bytes.take(SIGNATURE.len())?.to_vec();
    let (mut packed, mut size) = (Vec::new(), None);
    while !bytes.is_empty() {
        let mut chunk = bytes.clone();
        let length = chunk.u32_be()? as usize;
        let kind = chunk.fourcc()?;
        let data = chunk.take(length)?;
        let whole = bytes.take(length + 12)?;
        match &kind {
            b"IHDR" => size = Some(unpacked_len(data)?),
            b"IDAT" => packed.extend_from_slice(data),
            _ => {}
        }
        if &kind == b"IEND" {
            break;
        }
        if &kind != b"IDAT" {
            clean.extend_from_slice(whole);
        }
    }
    let size = size.ok_or_else(|| reject::corrupt("a png that does not begin with IHDR"))?;
    let mut rows = vec![0; size];
    let mut inflate = Decompress::new(true);
    // What is broken ends the picture as if nothing followed.
    inflate
        .decompress(&packed, &mut rows, FlushDecompress::Finish)
        .ok();
    let there = usize::try_from(inflate.total_out()).unwrap_or(size);
    if there >= size {
        return Ok(None);
    }
    rows[there..].fill(0);
    let packed = stored(&rows).map_err(|_| reject::corrupt("a png too large to be mended"))?;
    let length = u32::try_from(packed.len());
    let length = length.map_err(|_| reject::corrupt("a png too large to be mended"))?;
    clean.extend(length.to_be_bytes());
    clean.extend(b"IDAT");
    clean.extend(packed);
    clean.extend(b"\0\0\0\0\0\0\0\0IEND\xAE\x42\x60\x82"); // the checksum is not looked at
    found.clean = clean;
    Ok(Some(there))
}

/// Bytes of all rows, each with its filter, by what IHDR says.
fn unpacked_len(header: &[u8]) -> Result<usize, Rejection> {
    let mut fields = Bytes::new(header);
    let (width, height) = (fields.u32_be()?, fields.u32_be()?);
    let (depth, color) = (fields.u8()?, fields.u8()?);
    fields.skip(2)?;
    let samples = match color {
        2 => 3,
        4 => 2,
        6 => 4,
        _ => 1,
    };
    let bits = u64::from(depth) * samples;
    let whole = [[0, 1, 0, 1]];
    let passes = if fields.u8()? == 1 {
        &PASSES[..]
    } else {
        &whole
    };
    let of_pass = |&[left, across, top, down]: &[u32; 4]| {
        let count =
            |side: u32, from: u32, step: u32| u64::from(side.saturating_sub(from).div_ceil(step));
        let (columns, rows) = (count(width, left, across), count(height, top, down));
        if columns == 0 {
            0
        } else {
            rows * (1 + (columns * bits).div_ceil(8))
        }
    };
    let length: u64 = passes.iter().map(of_pass).sum();
    usize::try_from(length).map_err(|_| reject::corrupt("a png too large to be mended"))
}

/// Packed without being made smaller.
fn stored(rows: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(rows.len()), Compression::none());
    encoder.write_all(rows)?;
    encoder.finish()
}

/// Reads the rows that were there. Of an interlaced picture, what lacks looks like the pixels above and to the left, as in
/// browsers.
pub(super) fn read(
    reader: &mut Reader,
    data: &mut [u8],
    line: usize,
    there: usize,
) -> Result<Extent, Rejection> {
    let (color, depth) = reader.output_color_type();
    let bits = color.samples() * depth as usize;
    let stored_bits = reader.info().bits_per_pixel();
    let pixels = u64::from(reader.info().width) * u64::from(reader.info().height);
    let (mut taken, mut brought, mut rows) = (0, 0, 0);
    while let Ok(Some(row)) = reader.next_interlaced_row() {
        let samples = row.data().len() * 8 / bits;
        taken += 1 + (samples * stored_bits).div_ceil(8);
        if taken > there {
            break;
        }
        match row.interlace() {
            png::InterlaceInfo::Adam7(place) => {
                let bits = u8::try_from(bits).unwrap_or(u8::MAX);
                png::splat_interlaced_row(data, line, row.data(), place, bits);
            }
            png::InterlaceInfo::Null(_) => {
                data[rows * line..][..line].copy_from_slice(row.data());
            }
        }
        rows += 1;
        brought += samples as u64;
    }
    Extent::of_rows(brought, pixels)
}
