//! Pixels that are stored row by row.

use super::header::Info;
use crate::image::ImageError;
use crate::image::raster::{Layout, byte_len};
use sandbox::Resource;

/// The pixels in the info's layout, and how many rows of them there are.
pub(super) fn decode(info: &Info, data: &[u8]) -> Result<(Vec<u8>, u32), ImageError> {
    let too_large = || ImageError::LimitHit(Resource::Memory);
    let channels = info.layout().channels();
    let size = byte_len(info.width, info.height, channels).ok_or_else(too_large)?;
    let bits = u64::from(info.width) * u64::from(info.bits);
    let stride = usize::try_from(bits.div_ceil(32) * 4).map_err(|_| too_large())?;
    let used = usize::try_from(bits.div_ceil(8)).map_err(|_| too_large())?;
    let mut pixels = vec![0; size];
    let row_len = info.width as usize * channels;
    let mut rows = 0;
    for index in 0..info.height as usize {
        // The last row's padding may be missing.
        let start = index * stride;
        let Some(stored) = data.get(start..start + used) else {
            break;
        };
        let y = if info.top_down {
            index
        } else {
            info.height as usize - 1 - index
        };
        row(info, stored, &mut pixels[y * row_len..][..row_len]);
        rows += 1;
    }
    Ok((pixels, rows))
}

fn row(info: &Info, stored: &[u8], row: &mut [u8]) {
    match info.bits {
        bits @ ..=8 => {
            let per_byte = (8 / bits) as usize;
            let mask = u8::MAX >> (8 - bits);
            let pixels = row.as_chunks_mut::<3>().0.iter_mut().enumerate();
            for (x, pixel) in pixels {
                let shift = 8 - bits as usize * (x % per_byte + 1);
                *pixel = info.palette_color(stored[x / per_byte] >> shift & mask);
            }
        }
        16 => {
            let pixels = stored.as_chunks::<2>().0.iter();
            channels(
                info,
                pixels.map(|&pixel| u16::from_le_bytes(pixel).into()),
                row,
            );
        }
        24 => {
            let pixels = row.as_chunks_mut::<3>().0.iter_mut();
            for (pixel, &[blue, green, red]) in pixels.zip(stored.as_chunks::<3>().0) {
                *pixel = [red, green, blue];
            }
        }
        _ => {
            let pixels = stored.as_chunks::<4>().0.iter();
            channels(info, pixels.map(|&pixel| u32::from_le_bytes(pixel)), row);
        }
    }
}

fn channels(info: &Info, stored: impl Iterator<Item = u32>, row: &mut [u8]) {
    let layout: Layout = info.layout();
    let channels = &info.channels[..layout.channels()];
    for (pixel, stored) in row.chunks_exact_mut(channels.len()).zip(stored) {
        for (sample, channel) in pixel.iter_mut().zip(channels) {
            *sample = channel.of(stored);
        }
    }
}
