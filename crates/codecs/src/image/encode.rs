//! WebP out of sRGB pixels, through libwebp. It writes nothing but the picture: no EXIF, no XMP,
//! no profile.
//!
//! Photos are stored lossy, with their colours at half the size. Graphics would lose theirs by that, and are often
//! smaller without any loss.

mod animated;
mod graphic;

use std::ffi::c_int;
use std::io;

use libwebp_sys as webp;
use sandbox::Resource;

pub(super) use self::animated::Animated;
pub(super) use self::graphic::{Graphic, judge};

use super::ImageError;
use super::raster::{Layout, Raster};

/// Encodes an RGB or RGBA picture on this thread alone: a graphic without loss, if that does not cost more. What was
/// stored with loss before (`is_photo`) is not worth looking at for that: it takes eight times as long.
pub(super) fn webp(
    picture: &Raster,
    is_photo: bool,
    quality: u8,
    method: u8,
) -> Result<Vec<u8>, ImageError> {
    match judge(picture) {
        Graphic::Flat if is_photo => lossy(picture, quality, method, false),
        Graphic::No => lossy(picture, quality, method, false),
        Graphic::Tiny => lossless(picture, method),
        Graphic::Flat => {
            let exact = lossless(picture, method)?;
            let lossy = lossy(picture, quality, method, true)?;
            Ok(if exact.len() <= lossy.len() {
                exact
            } else {
                lossy
            })
        }
    }
}

fn lossy(picture: &Raster, quality: u8, method: u8, sharp: bool) -> Result<Vec<u8>, ImageError> {
    let mut config = webp::WebPConfig::new().map_err(|()| failed("version mismatch"))?;
    config.quality = quality.into();
    config.method = method.into();
    config.partition_limit = partition_limit(picture.width, picture.height);
    config.use_sharp_yuv = sharp.into();
    encode(picture, &config)
}

fn lossless(picture: &Raster, method: u8) -> Result<Vec<u8>, ImageError> {
    let mut config = webp::WebPConfig::new().map_err(|()| failed("version mismatch"))?;
    config.lossless = 1;
    // Here it is effort, in percent.
    config.quality = 50.0;
    config.method = method.into();
    encode(picture, &config)
}

fn refused(error: webp::WebPEncodingError) -> ImageError {
    match error {
        webp::WebPEncodingError::VP8_ENC_ERROR_OUT_OF_MEMORY
        | webp::WebPEncodingError::VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY => {
            ImageError::LimitHit(Resource::Memory)
        }
        other => failed(&format!("{other:?}")),
    }
}

/// How much to save on prediction modes, 0 to 100.
///
/// All of a picture's modes share one partition of 512 KiB (RFC 6386 §9.3). libwebp starts over
/// whenever they overflow it, which costs 100 megapixels four times the work. So each macroblock
/// may use twice its share from the start, and no more: too little to be seen, or to matter below
/// 8 megapixels.
fn partition_limit(width: u32, height: u32) -> c_int {
    /// What libwebp allows one macroblock's modes at limit 0, in bits.
    const UNLIMITED_BITS: f64 = 256.0;
    const PARTITION_BITS: f64 = 8.0 * 512.0 * 1024.0;
    let macroblocks = f64::from(width.div_ceil(16)) * f64::from(height.div_ceil(16));
    let part = (2.0 * PARTITION_BITS / macroblocks / UNLIMITED_BITS).min(1.0);
    #[expect(clippy::cast_possible_truncation, reason = "0 to 100")]
    // libwebp squares the complement of the limit.
    let limit = (100.0 * (1.0 - part.sqrt())).round() as c_int;
    limit
}

fn failed(reason: &str) -> ImageError {
    ImageError::Io(io::Error::other(format!("webp encoder: {reason}")))
}

fn encode(picture: &Raster, config: &webp::WebPConfig) -> Result<Vec<u8>, ImageError> {
    // Without loss, and for a good choice of half-size colours, all of them are needed.
    let all_colors = config.lossless != 0 || config.use_sharp_yuv != 0;
    let mut frame = import(picture, all_colors)?;
    let mut output = Vec::new();
    frame.writer = Some(append);
    frame.custom_ptr = (&raw mut output).cast();
    // SAFETY: `frame` holds a picture, is freed once, and `output` outlives it.
    let (done, error) = unsafe {
        let done = webp::WebPEncode(config, &raw mut frame) != 0;
        let error = frame.error_code;
        webp::WebPPictureFree(&raw mut frame);
        (done, error)
    };
    if done {
        Ok(output)
    } else {
        Err(refused(error))
    }
}

/// The pixels as libwebp has them, with all their colours or those of each two by two pixels as one. To be freed.
fn import(picture: &Raster, all_colors: bool) -> Result<webp::WebPPicture, ImageError> {
    let side = |side: u32| c_int::try_from(side).map_err(|_| failed("too large"));
    let (import, channels): (unsafe extern "C" fn(_, _, _) -> _, _) = match picture.layout {
        Layout::Rgb => (webp::WebPPictureImportRGB, 3),
        Layout::Rgba => (webp::WebPPictureImportRGBA, 4),
        _ => return Err(failed("not RGB")),
    };
    let stride = side(picture.width)? * channels;
    let mut frame = webp::WebPPicture::new().map_err(|()| failed("version mismatch"))?;
    frame.width = side(picture.width)?;
    frame.height = side(picture.height)?;
    frame.use_argb = all_colors.into();
    // SAFETY: `data` holds height rows of `stride` bytes (Raster's invariant) and is only read; `frame` was initialised
    // by libwebp, and is freed here if the import fails.
    unsafe {
        if import(&raw mut frame, picture.data.as_ptr(), stride) == 0 {
            let error = frame.error_code;
            webp::WebPPictureFree(&raw mut frame);
            return Err(refused(error));
        }
    }
    Ok(frame)
}

/// libwebp's writer: appends to the vector behind `custom_ptr`.
extern "C" fn append(data: *const u8, size: usize, frame: *const webp::WebPPicture) -> c_int {
    // SAFETY: libwebp passes the frame that `encode` prepared and `size` readable bytes.
    let (output, bytes) = unsafe {
        (
            &mut *(*frame).custom_ptr.cast::<Vec<u8>>(),
            std::slice::from_raw_parts(data, size),
        )
    };
    let fits = output.try_reserve(size).is_ok();
    if fits {
        output.extend_from_slice(bytes);
    }
    fits.into()
}

#[cfg(test)]
mod tests {
    use super::partition_limit;

    #[test]
    fn only_large_pictures_save_on_their_prediction_modes() {
        assert_eq!(partition_limit(1280, 853), 0);
        assert_eq!(partition_limit(3000, 2000), 0);
        assert_eq!(partition_limit(6000, 4000), 41);
        assert_eq!(partition_limit(12_210, 8_140), 71);
        assert!(partition_limit(16_383, 16_383) < 100);
    }
}
