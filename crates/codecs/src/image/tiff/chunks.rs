//! The samples of a page, of all its strips or tiles.

use media::RejectionCode;

use super::directory::at;
use super::info::{Alpha, Compression, Info};
use super::{jpeg, unpack};
use crate::image::ImageError;
use crate::image::extent::Extent;
use crate::image::reject;
use sandbox::Resource;

/// Samples as they are stored, those of a pixel together: its colours, then its alpha.
pub(super) struct Samples {
    pub(super) values: Vec<u16>,
    pub(super) per_pixel: usize,
}

/// What is there of a page; three quarters must be.
pub(super) fn samples(file: &[u8], info: &Info) -> Result<(Samples, Extent), ImageError> {
    let per_pixel = info.colors() + usize::from(info.alpha != Alpha::None);
    let pixels = u64::from(info.width) * u64::from(info.height);
    let count = usize::try_from(pixels)
        .ok()
        .and_then(|pixels| pixels.checked_mul(per_pixel))
        .ok_or(ImageError::LimitHit(Resource::Memory))?;
    let mut samples = Samples {
        values: vec![0; count],
        per_pixel,
    };
    let across = info.width.div_ceil(info.chunk.0);
    let down = info.height.div_ceil(info.chunk.1);
    let planes = if info.planar { per_pixel } else { 1 };
    let (mut brought, mut index) = (0, 0);
    for plane in 0..planes {
        for row in 0..down {
            for column in 0..across {
                let place = Place {
                    plane,
                    left: column * info.chunk.0,
                    top: row * info.chunk.1,
                };
                brought += match chunk(file, info, index, &place) {
                    Ok(chunk) => samples.put(info, &place, &chunk),
                    // One that cannot be read does not cost the others.
                    Err(ImageError::Rejected(rejection))
                        if rejection.code == RejectionCode::Malformed =>
                    {
                        0
                    }
                    Err(error) => return Err(error),
                };
                index += 1;
            }
        }
    }
    let extent = Extent::of_rows(brought, pixels * planes as u64)?;
    Ok((samples, extent))
}

/// Where a strip or tile belongs.
struct Place {
    plane: usize,
    left: u32,
    top: u32,
}

/// Samples of a strip or tile, in whole rows.
struct Chunk {
    width: usize,
    per_pixel: usize,
    values: Vec<u16>,
}

fn chunk(file: &[u8], info: &Info, index: usize, place: &Place) -> Result<Chunk, ImageError> {
    let missing = || reject::corrupt("a tiff without a part of its picture");
    let offset = info.offsets.get(index).copied().ok_or_else(missing)?;
    let packed = at(file, offset)?;
    let length = info.lengths.get(index).copied().unwrap_or(0);
    let packed = match usize::try_from(length).unwrap_or(usize::MAX) {
        0 => packed,
        length => &packed[..packed.len().min(length)],
    };
    let width = info.chunk.0;
    // The last strip is as high as what is left.
    let rows = if info.is_tiled {
        info.chunk.1
    } else {
        info.chunk.1.min(info.height - place.top)
    };
    let per_pixel = if info.planar { 1 } else { info.samples };
    if info.compression == Compression::Jpeg {
        let (width, _, values) = jpeg::samples(info, packed, (width, rows), per_pixel)?;
        return Ok(Chunk {
            width: width as usize,
            per_pixel,
            values: values.into_iter().map(u16::from).collect(),
        });
    }
    if info.has_shared_colors() {
        return Ok(shared_colors(info, packed, (width, rows)));
    }
    let bits = u64::from(width) * per_pixel as u64 * u64::from(info.bits);
    let row = usize::try_from(bits.div_ceil(8)).map_err(|_| missing())?;
    let bytes = unpack::bytes(info, packed, (width, rows), row);
    let in_row = width as usize * per_pixel;
    let mut values = Vec::with_capacity(bytes.len() / row.max(1) * in_row);
    for row in bytes.chunks_exact(row) {
        let start = values.len();
        widen(info, row, in_row, &mut values);
        if info.differences {
            sum(&mut values[start..], per_pixel, info.bits);
        }
    }
    Ok(Chunk {
        width: width as usize,
        per_pixel,
        values,
    })
}

/// Takes the samples of a row apart.
fn widen(info: &Info, row: &[u8], count: usize, values: &mut Vec<u16>) {
    match info.bits {
        8 => values.extend(row.iter().copied().map(u16::from)),
        16 => values.extend(row.as_chunks::<2>().0.iter().map(|&pair| {
            if info.little {
                u16::from_le_bytes(pair)
            } else {
                u16::from_be_bytes(pair)
            }
        })),
        bits => {
            let (mut held, mut have) = (0_u32, 0);
            let mut bytes = row.iter();
            values.extend((0..count).map_while(|_| {
                while have < bits {
                    held = held << 8 | u32::from(*bytes.next()?);
                    have += 8;
                }
                have -= bits;
                let value = held >> have & ((1 << bits) - 1);
                u16::try_from(value).ok()
            }));
        }
    }
}

/// Makes samples of differences.
fn sum(row: &mut [u16], per_pixel: usize, bits: u8) {
    let mask = if bits == 8 { 0xFF } else { u16::MAX };
    for index in per_pixel..row.len() {
        row[index] = row[index].wrapping_add(row[index - per_pixel]) & mask;
    }
}

/// Luma of some pixels, then the differences that they share, and so on (TIFF 6.0 §21).
fn shared_colors(info: &Info, packed: &[u8], (width, rows): (u32, u32)) -> Chunk {
    let (across, down) = (info.subsampling.0 as usize, info.subsampling.1 as usize);
    let (width, rows) = (width as usize, rows as usize);
    let unit = across * down + 2;
    let units = width.div_ceil(across);
    let line = units * unit;
    let lines = u32::try_from(rows.div_ceil(down)).unwrap_or(u32::MAX);
    let bytes = unpack::bytes(info, packed, (info.chunk.0, lines), line);
    let mut values = vec![0; width * rows * 3];
    let mut whole = 0;
    for (top, line) in bytes.chunks_exact(line).enumerate() {
        for (left, unit) in line.chunks_exact(unit).enumerate() {
            let (luma, differences) = unit.split_at(across * down);
            for (index, &luma) in luma.iter().enumerate() {
                let (x, y) = (left * across + index % across, top * down + index / across);
                if x < width && y < rows {
                    let pixel = &mut values[(y * width + x) * 3..][..3];
                    pixel.copy_from_slice(&[luma, differences[0], differences[1]].map(u16::from));
                }
            }
        }
        whole = rows.min((top + 1) * down);
    }
    values.truncate(whole * width * 3);
    Chunk {
        width,
        per_pixel: 3,
        values,
    }
}

impl Samples {
    /// Puts a strip or tile into its place, as far as it is in the picture, and says how many pixels that were.
    fn put(&mut self, info: &Info, place: &Place, chunk: &Chunk) -> u64 {
        let seen = chunk.width.min((info.width - place.left) as usize);
        let rows = chunk.values.chunks_exact(chunk.width * chunk.per_pixel);
        let mut brought = 0;
        for (row, stored) in rows.take((info.height - place.top) as usize).enumerate() {
            let first = (place.top as usize + row) * info.width as usize + place.left as usize;
            let pixels = &mut self.values[first * self.per_pixel..][..seen * self.per_pixel];
            let pixels = pixels.chunks_exact_mut(self.per_pixel);
            for (pixel, stored) in pixels.zip(stored.chunks_exact(chunk.per_pixel)) {
                if info.planar {
                    pixel[place.plane] = stored[0];
                } else {
                    pixel.copy_from_slice(&stored[..pixel.len()]);
                }
            }
            brought += seen as u64;
        }
        brought
    }
}
