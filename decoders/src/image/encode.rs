//! WebP out of sRGB pixels, through libwebp. It writes nothing but the picture: no EXIF, no XMP,
//! no profile.

use std::ffi::c_int;
use std::io;

use libwebp_sys as webp;

use super::ImageError;
use super::raster::{Layout, Raster};
use crate::error::Resource;

/// Encodes an RGB or RGBA picture, lossy, on this thread alone.
pub(super) fn webp(picture: &Raster, quality: u8, method: u8) -> Result<Vec<u8>, ImageError> {
    let mut config = webp::WebPConfig::new().map_err(|()| failed("version mismatch"))?;
    config.quality = quality.into();
    config.method = method.into();
    match encode(picture, &config) {
        // The first partition holds the prediction modes and ends at 512 KiB; the largest
        // pictures may need some modes made cheaper to fit.
        Err(webp::WebPEncodingError::VP8_ENC_ERROR_PARTITION0_OVERFLOW) => {
            config.partition_limit = 100;
            encode(picture, &config)
        }
        result => result,
    }
    .map_err(|error| match error {
        webp::WebPEncodingError::VP8_ENC_ERROR_OUT_OF_MEMORY
        | webp::WebPEncodingError::VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY => {
            ImageError::LimitHit(Resource::Memory)
        }
        other => failed(&format!("{other:?}")),
    })
}

fn failed(reason: &str) -> ImageError {
    ImageError::Io(io::Error::other(format!("webp encoder: {reason}")))
}

fn encode(picture: &Raster, config: &webp::WebPConfig) -> Result<Vec<u8>, webp::WebPEncodingError> {
    use webp::WebPEncodingError::{
        VP8_ENC_ERROR_BAD_DIMENSION, VP8_ENC_ERROR_INVALID_CONFIGURATION,
    };
    let side = |side: u32| c_int::try_from(side).map_err(|_| VP8_ENC_ERROR_BAD_DIMENSION);
    let (import, channels): (unsafe extern "C" fn(_, _, _) -> _, _) = match picture.layout {
        Layout::Rgb => (webp::WebPPictureImportRGB, 3),
        Layout::Rgba => (webp::WebPPictureImportRGBA, 4),
        _ => return Err(VP8_ENC_ERROR_INVALID_CONFIGURATION),
    };
    let stride = side(picture.width)? * channels;

    let mut output = Vec::new();
    let mut frame = webp::WebPPicture::new().map_err(|()| VP8_ENC_ERROR_INVALID_CONFIGURATION)?;
    frame.width = side(picture.width)?;
    frame.height = side(picture.height)?;
    frame.writer = Some(append);
    frame.custom_ptr = (&raw mut output).cast();
    // SAFETY: `data` holds height rows of `stride` bytes (Raster's invariant) and is only read;
    // `frame` was initialised by libwebp, is freed once, and `output` outlives it.
    unsafe {
        let done = import(&raw mut frame, picture.data.as_ptr(), stride) != 0
            && webp::WebPEncode(config, &raw mut frame) != 0;
        let error = frame.error_code;
        webp::WebPPictureFree(&raw mut frame);
        if done { Ok(output) } else { Err(error) }
    }
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
