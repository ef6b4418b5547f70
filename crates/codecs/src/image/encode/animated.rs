//! Animated WebP, through libwebp's own encoder for it, which stores what changes from frame to frame.

use std::ffi::c_int;
use std::ptr::NonNull;

use libwebp_sys as webp;

use super::graphic::{self, Graphic};
use super::{failed, import};
use crate::image::ImageError;
use crate::image::raster::Raster;
use crate::image::reject;
use sandbox::Resource;

/// An animation that is being made.
pub(in crate::image) struct Animated {
    encoder: NonNull<webp::WebPAnimEncoder>,
    config: webp::WebPConfig,
    /// When the next frame begins, in milliseconds.
    at: c_int,
    /// The longest that a frame is shown, in milliseconds.
    longest: u32,
    /// Whether anything shows through any frame.
    has_alpha: bool,
}

/// What a WebP can say of one frame (RFC 9649 §2.7.1.1), and libwebp count of all so many, in milliseconds.
fn longest(frames: u32) -> u32 {
    const LONGEST: u32 = (1 << 24) - 1;
    LONGEST.min(i32::MAX.cast_unsigned() / frames.max(1))
}

impl Animated {
    /// Of so many frames at most, like `first` in kind, all of `size`; played so many times, 0 for ever.
    pub(in crate::image) fn new(
        first: &Raster,
        (width, height): (u32, u32),
        (frames, plays): (u32, u32),
        quality: u8,
        method: u8,
    ) -> Result<Self, ImageError> {
        let mut config = webp::WebPConfig::new().map_err(|()| failed("version mismatch"))?;
        config.quality = quality.into();
        config.method = method.into();
        if graphic::judge(first) != Graphic::No {
            config.lossless = 1;
            // Here it is effort, in percent.
            config.quality = 20.0;
            config.method = method.min(2).into();
        }
        let side = |side: u32| c_int::try_from(side).map_err(|_| failed("too large"));
        let abi = webp::WebPGetMuxABIVersion();
        // SAFETY: all-zero bytes are valid for this struct of integers, and libwebp fills it in.
        let encoder = unsafe {
            let mut options: webp::WebPAnimEncoderOptions = std::mem::zeroed();
            if webp::WebPAnimEncoderOptionsInitInternal(&raw mut options, abi) == 0 {
                return Err(failed("version mismatch"));
            }
            options.anim_params.loop_count =
                c_int::try_from(plays.min(u32::from(u16::MAX))).unwrap_or(0);
            webp::WebPAnimEncoderNewInternal(side(width)?, side(height)?, &raw const options, abi)
        };
        let encoder = NonNull::new(encoder).ok_or(ImageError::LimitHit(Resource::Memory))?;
        Ok(Self {
            encoder,
            config,
            at: 0,
            longest: longest(frames),
            has_alpha: false,
        })
    }

    /// Adds a frame, shown for so long, or as long as a WebP can say.
    pub(in crate::image) fn add(
        &mut self,
        picture: &Raster,
        milliseconds: u32,
    ) -> Result<(), ImageError> {
        let mut frame = import(picture, true)?;
        // SAFETY: the encoder is alive; `frame` holds a picture, which the encoder copies, and is freed once.
        let added = unsafe {
            let added = webp::WebPAnimEncoderAdd(
                self.encoder.as_ptr(),
                &raw mut frame,
                self.at,
                &raw const self.config,
            );
            webp::WebPPictureFree(&raw mut frame);
            added
        };
        self.has_alpha |= is_see_through(picture);
        self.at = c_int::try_from(milliseconds.min(self.longest))
            .ok()
            .and_then(|milliseconds| self.at.checked_add(milliseconds))
            .ok_or_else(|| reject::corrupt("an animation of more frames than it announces"))?;
        if added == 0 {
            return Err(failed("a frame could not be added"));
        }
        Ok(())
    }

    /// The file.
    pub(in crate::image) fn finish(self) -> Result<Vec<u8>, ImageError> {
        // SAFETY: the encoder is alive; a null frame says when the last one ends. The data is copied, then freed once.
        unsafe {
            let encoder = self.encoder.as_ptr();
            let last = std::ptr::null_mut();
            let mut data: webp::WebPData = std::mem::zeroed();
            let done = webp::WebPAnimEncoderAdd(encoder, last, self.at, std::ptr::null()) != 0
                && webp::WebPAnimEncoderAssemble(encoder, &raw mut data) != 0;
            if !done || data.bytes.is_null() {
                return Err(failed("the animation could not be closed"));
            }
            let mut file = std::slice::from_raw_parts(data.bytes, data.size).to_vec();
            webp::WebPFree(data.bytes.cast_mut().cast());
            if self.has_alpha {
                announce_alpha(&mut file);
            }
            Ok(file)
        }
    }
}

impl Drop for Animated {
    fn drop(&mut self) {
        // SAFETY: the encoder goes once, with its owner.
        unsafe { webp::WebPAnimEncoderDelete(self.encoder.as_ptr()) };
    }
}

/// Whether any pixel is not opaque.
fn is_see_through(picture: &Raster) -> bool {
    let alphas = picture.data.iter().skip(3).step_by(4);
    picture.layout.has_alpha() && alphas.into_iter().any(|&alpha| alpha < u8::MAX)
}

/// Says in a file's header that something shows through. libwebp does so only if a frame has alpha itself; where opaque ones
/// leave a part of the canvas empty, some readers would fill that with black.
fn announce_alpha(file: &mut [u8]) {
    const ALPHA: u8 = 0x10;
    if let Some([b'V', b'P', b'8', b'X', _, _, _, _, flags]) = file.get_mut(12..21) {
        *flags |= ALPHA;
    }
}

#[cfg(test)]
mod tests {
    use super::longest;

    #[test]
    fn all_frames_together_last_no_longer_than_can_be_counted() {
        assert_eq!(longest(1), 16_777_215);
        assert_eq!(longest(5_000) * 5_000 / 86_400_000, 24);
        assert!(u64::from(longest(u32::MAX)) * u64::from(u32::MAX) < 1 << 31);
    }
}
