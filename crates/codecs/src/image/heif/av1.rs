//! AV1 by `re_rav1d`, dav1d in Rust.

use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::slice;

use re_rav1d::include::dav1d::data::Dav1dData;
use re_rav1d::include::dav1d::dav1d::{Dav1dContext, Dav1dLogger, Dav1dSettings};
use re_rav1d::include::dav1d::headers::{
    DAV1D_PIXEL_LAYOUT_I400, DAV1D_PIXEL_LAYOUT_I420, DAV1D_PIXEL_LAYOUT_I422,
};
use re_rav1d::include::dav1d::picture::Dav1dPicture;
use re_rav1d::src::lib::{
    dav1d_close, dav1d_data_create, dav1d_data_unref, dav1d_default_settings, dav1d_get_picture,
    dav1d_open, dav1d_picture_unref, dav1d_send_data,
};
use sandbox::Resource;

use super::property::Code;
use super::samples::{Chroma, Plane, Planes};
use crate::image::ImageError;
use crate::image::reject;

/// What the library answers when it has no memory, as a negative number of `errno.h`.
const NO_MEMORY: i32 = -12;

/// A stream's decoder.
pub(super) struct Decoder(Option<Dav1dContext>);

impl Decoder {
    /// For pictures of at most so many pixels.
    pub(super) fn new(most_pixels: u32) -> Result<Self, ImageError> {
        let mut context = None;
        let mut settings = MaybeUninit::<Dav1dSettings>::uninit();
        // SAFETY: the library fills in the settings before they are read, and both pointers are to values of this
        // function. A logger without a function logs nothing.
        let opened = unsafe {
            dav1d_default_settings(NonNull::from(&mut settings).cast());
            let mut settings = settings.assume_init();
            settings.n_threads = 1;
            settings.max_frame_delay = 1;
            settings.all_layers = 0;
            settings.frame_size_limit = most_pixels;
            settings.logger = Dav1dLogger::new(None, None);
            dav1d_open(
                Some(NonNull::from(&mut context)),
                Some(NonNull::from(&mut settings)),
            )
        };
        if opened.0 != 0 {
            return Err(ImageError::LimitHit(Resource::Memory));
        }
        Ok(Self(context))
    }

    /// Decodes the next picture of the stream, and has it used.
    pub(super) fn decode<T>(
        &mut self,
        bytes: &[u8],
        seen: impl FnOnce(&Planes) -> Result<T, ImageError>,
    ) -> Result<T, ImageError> {
        let mut data = Data::new(bytes)?;
        let mut last = None;
        loop {
            let sent = data.send(self.0)?;
            // Of several pictures, such as layers, the last is the finest.
            match Picture::next(self.0) {
                Ok(Some(picture)) => last = Some(picture),
                Ok(None) if sent => break,
                // What is there could not be taken, and nothing comes out of it.
                Ok(None) => return Err(unreadable()),
                Err(error) if last.is_none() => return Err(error),
                Err(_) => break,
            }
        }
        let picture = last.ok_or_else(unreadable)?;
        seen(&picture.planes()?)
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the context is from `dav1d_open`, and is closed once.
        unsafe { dav1d_close(Some(NonNull::from(&mut self.0))) };
    }
}

/// A copy of a sample's bytes, which the library owns in part.
struct Data(Dav1dData);

impl Data {
    fn new(bytes: &[u8]) -> Result<Self, ImageError> {
        let mut data = Dav1dData::default();
        // SAFETY: the library makes room for as many bytes as are copied.
        unsafe {
            let room = dav1d_data_create(Some(NonNull::from(&mut data)), bytes.len());
            if room.is_null() {
                return Err(ImageError::LimitHit(Resource::Memory));
            }
            ptr::copy_nonoverlapping(bytes.as_ptr(), room, bytes.len());
        }
        Ok(Self(data))
    }

    /// Sends what is left, and says whether that was all.
    fn send(&mut self, context: Option<Dav1dContext>) -> Result<bool, ImageError> {
        if self.0.sz > 0 {
            // SAFETY: the context is open, and the data is from `dav1d_data_create`.
            let sent = unsafe { dav1d_send_data(context, Some(NonNull::from(&mut self.0))) };
            if sent.0 != 0 && sent.0 != AGAIN {
                return Err(failed(sent.0));
            }
        }
        Ok(self.0.sz == 0)
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        // SAFETY: what the library did not take is given back once.
        unsafe { dav1d_data_unref(Some(NonNull::from(&mut self.0))) };
    }
}

/// What the library answers where pictures must be taken, or data be given, first.
const AGAIN: i32 = -11;

/// A picture that the library owns.
struct Picture(Dav1dPicture);

impl Picture {
    fn next(context: Option<Dav1dContext>) -> Result<Option<Self>, ImageError> {
        let mut picture = Self(Dav1dPicture::default());
        // SAFETY: the context is open; the picture is written to.
        let taken = unsafe { dav1d_get_picture(context, Some(NonNull::from(&mut picture.0))) };
        match taken.0 {
            0 => Ok(Some(picture)),
            AGAIN => Ok(None),
            code => Err(failed(code)),
        }
    }

    fn planes(&self) -> Result<Planes<'_>, ImageError> {
        let picture = &self.0;
        let side = |side: i32| u32::try_from(side).map_err(|_| unreadable());
        let (width, height) = (side(picture.p.w)?, side(picture.p.h)?);
        let bits = side(picture.p.bpc)?;
        let chroma = match picture.p.layout {
            DAV1D_PIXEL_LAYOUT_I400 => Chroma::None,
            DAV1D_PIXEL_LAYOUT_I420 => Chroma::Quarter,
            DAV1D_PIXEL_LAYOUT_I422 => Chroma::Half,
            _ => Chroma::All,
        };
        let bytes_of_sample = if bits > 8 { 2 } else { 1 };
        let plane = |index: usize| -> Result<Plane<'_>, ImageError> {
            let is_luma = index == 0;
            let Some(data) = picture.data[index].filter(|_| is_luma || chroma != Chroma::None)
            else {
                return Ok(Plane::default());
            };
            let stride = usize::try_from(picture.stride[usize::from(!is_luma)]);
            let stride = stride.map_err(|_| unreadable())?;
            let (width, height) = match chroma {
                Chroma::Quarter if !is_luma => (width.div_ceil(2), height.div_ceil(2)),
                Chroma::Half if !is_luma => (width.div_ceil(2), height),
                _ => (width, height),
            };
            let last = (height as usize).saturating_sub(1) * stride;
            let length = last + width as usize * bytes_of_sample;
            // SAFETY: the library has rows of `stride` bytes, as many as the picture is high, each as long as it is wide.
            let bytes = unsafe { slice::from_raw_parts(data.as_ptr().cast(), length) };
            Ok(Plane {
                bytes,
                stride,
                bytes_of_sample,
            })
        };
        Ok(Planes {
            width,
            height,
            bits,
            chroma,
            samples: [plane(0)?, plane(1)?, plane(2)?],
            code: self.code(),
        })
    }

    fn code(&self) -> Code {
        let Some(header) = self.0.seq_hdr else {
            return Code::default();
        };
        // SAFETY: the header belongs to the picture.
        let header = unsafe { header.as_ref() };
        let low = |code: u32| u8::try_from(code).unwrap_or(u8::MAX);
        Code {
            primaries: low(header.pri),
            transfer: low(header.trc),
            matrix: low(header.mtrx),
            full_range: header.color_range != 0,
        }
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: the picture is the library's or empty, and is given back once.
        unsafe { dav1d_picture_unref(Some(NonNull::from(&mut self.0))) };
    }
}

fn failed(code: i32) -> ImageError {
    if code == NO_MEMORY {
        ImageError::LimitHit(Resource::Memory)
    } else {
        unreadable()
    }
}

fn unreadable() -> ImageError {
    reject::corrupt("the avif's picture data cannot be read").into()
}
