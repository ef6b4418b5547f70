//! The pixels of a JPEG, through zune-jpeg in its strict mode.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::image::ImageError;
use crate::image::header::Header;
use crate::image::raster::{Layout, Raster};
use crate::image::reject;

/// Decodes a file whose segments were found in order.
pub(in crate::image) fn decode(bytes: &[u8], header: Header) -> Result<Raster, ImageError> {
    let failed = |error: zune_jpeg::errors::DecodeErrors| {
        // Some messages quote the input at length.
        reject::corrupt(
            format!("jpeg: {error}")
                .chars()
                .take(200)
                .collect::<String>(),
        )
    };
    let sealed = header
        .jpeg
        .one_scan_end
        .map(|end| without_end(&bytes[..end]));
    let bytes = sealed.as_deref().unwrap_or(bytes);
    let side = usize::from(u16::MAX);
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(side)
        .set_max_height(side);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(failed)?;
    let stored = decoder.input_colorspace().unwrap_or(ColorSpace::Unknown);
    let wanted = match header.layout {
        Layout::Gray => ColorSpace::Luma,
        // Asked for what is stored, the decoder converts nothing.
        Layout::Cmyk => stored,
        _ => ColorSpace::RGB,
    };
    decoder.set_options(options.jpeg_set_out_colorspace(wanted));
    let mut data = decoder.decode().map_err(failed)?;
    if header.layout == Layout::Cmyk {
        to_ink(&mut data, stored, header.jpeg.inverted_ink);
    }
    Ok(Raster::new(
        (header.width, header.height),
        header.layout,
        header.color,
        data,
    )?)
}

/// The file up to its end marker, and a little more for the decoder to read ahead.
///
/// At an end marker the decoder makes up the rest of the picture, at the end of the bytes it
/// fails. So this tells a whole picture from one that was cut short and closed again.
fn without_end(bytes: &[u8]) -> Vec<u8> {
    const READ_AHEAD: usize = 16;
    let mut sealed = Vec::with_capacity(bytes.len() + READ_AHEAD);
    sealed.extend_from_slice(bytes);
    sealed.extend_from_slice(&[0; READ_AHEAD]);
    sealed
}

/// Four components as ink, 255 for full. YCCK is the CMYK of Adobe's programs, inverted, with the
/// first three converted like RGB to YCbCr (Adobe Technical Note 5116 §18).
fn to_ink(pixels: &mut [u8], stored: ColorSpace, inverted: bool) {
    let pixels = pixels.as_chunks_mut::<4>().0;
    if stored == ColorSpace::YCCK {
        for pixel in pixels {
            *pixel = ycck_to_ink(*pixel);
        }
    } else if inverted {
        for ink in pixels.as_flattened_mut() {
            *ink = 255 - *ink;
        }
    }
}

fn ycck_to_ink([y, cb, cr, k]: [u8; 4]) -> [u8; 4] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast to an integer saturates, which is what is wanted"
    )]
    let sample = |value: f32| value.round() as u8;
    let cyan = sample(1.402_f32.mul_add(cr, y));
    let magenta = sample(y - 0.344_136 * cb - 0.714_136 * cr);
    let yellow = sample(1.772_f32.mul_add(cb, y));
    [cyan, magenta, yellow, 255 - k]
}
