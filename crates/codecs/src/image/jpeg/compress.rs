//! The encoder of libjpeg-turbo, in the build that mozjpeg makes of it, with what that adds left out: it takes many times as
//! long. Baseline, with tables made for the picture, and the picture only: not even a JFIF header, which says nothing.

use std::mem;
use std::ptr::NonNull;

use mozjpeg_sys as libjpeg;

use libjpeg::{J_COLOR_SPACE, J_INT_PARAM, JCP_FASTEST, jpeg_compress_struct};
use sandbox::Resource;

use super::library::{Failure, give_up, guarded, note};
use crate::image::ImageError;
use crate::image::raster::{Layout, Raster};

/// Bytes that are taken from the library at a time.
const PIECE: usize = 1 << 16;

/// What the library and its callbacks share. It holds pointers into itself and must not move.
struct State {
    info: jpeg_compress_struct,
    errors: libjpeg::jpeg_error_mgr,
    destination: libjpeg::jpeg_destination_mgr,
    piece: [u8; PIECE],
    file: Vec<u8>,
}

/// Encodes grey or RGB, colours at half the size as in the lossy WebP, at a quality of 1 to 100.
pub(in crate::image) fn encode(picture: &Raster, quality: u8) -> Result<Vec<u8>, ImageError> {
    let (space, channels) = match picture.layout {
        Layout::Gray => (J_COLOR_SPACE::JCS_GRAYSCALE, 1),
        Layout::Rgb => (J_COLOR_SPACE::JCS_RGB, 3),
        _ => return Err(failed(Failure(libjpeg::JERR_BAD_IN_COLORSPACE))),
    };
    let mut compress = Compress::new();
    let info = compress.create().map_err(failed)?;
    (info.image_width, info.image_height) = (picture.width, picture.height);
    (info.input_components, info.in_color_space) = (channels, space);
    let row = picture.width as usize * picture.layout.channels();
    // SAFETY: the struct was created, and the library copies from as many rows of as many samples as it was told.
    guarded(|| unsafe {
        libjpeg::jpeg_c_set_int_param(
            info,
            J_INT_PARAM::JINT_COMPRESS_PROFILE,
            JCP_FASTEST as std::os::raw::c_int,
        );
        libjpeg::jpeg_set_defaults(info);
        libjpeg::jpeg_set_quality(info, quality.into(), 1);
        info.optimize_coding = 1;
        info.write_JFIF_header = 0;
        libjpeg::jpeg_start_compress(info, 1);
        for row in picture.data.chunks_exact(row) {
            let mut pointer = row.as_ptr();
            libjpeg::jpeg_write_scanlines(info, &raw mut pointer, 1);
        }
        libjpeg::jpeg_finish_compress(info);
    })
    .map_err(failed)?;
    Ok(compress.file())
}

fn failed(Failure(code): Failure) -> ImageError {
    if code == libjpeg::JERR_OUT_OF_MEMORY {
        ImageError::LimitHit(Resource::Memory)
    } else {
        let message = format!("jpeg encoder: code {code}");
        ImageError::Io(std::io::Error::other(message))
    }
}

/// A compression.
struct Compress(NonNull<State>);

impl Compress {
    fn new() -> Self {
        // SAFETY: all-zero bytes are valid for these structs of integers, pointers and optional functions; the vector is
        // written before it is looked at.
        let state = unsafe {
            let state = Box::into_raw(Box::<State>::new_zeroed()).cast::<State>();
            (&raw mut (*state).file).write(Vec::new());
            NonNull::new_unchecked(state)
        };
        Self(state)
    }

    fn create(&mut self) -> Result<&mut jpeg_compress_struct, Failure> {
        // SAFETY: the state is alive, and stays where it is until it is dropped.
        let State {
            info,
            errors,
            destination,
            ..
        } = unsafe { &mut *self.0.as_ptr() };
        destination.init_destination = Some(begin);
        destination.empty_output_buffer = Some(take_all);
        destination.term_destination = Some(take_rest);
        let (destination, state) = (std::ptr::from_mut(destination), self.0.as_ptr());
        // SAFETY: `errors` and `destination` live as long as `info`, and the library fills in the rest of them.
        guarded(|| unsafe {
            info.common.err = libjpeg::jpeg_std_error(errors);
            errors.error_exit = Some(give_up);
            errors.emit_message = Some(note);
            libjpeg::jpeg_create_compress(info);
            info.common.client_data = state.cast();
            info.dest = destination;
        })?;
        Ok(info)
    }

    fn file(&mut self) -> Vec<u8> {
        // SAFETY: the state is alive, and the library does not run at this moment.
        mem::take(unsafe { &mut (*self.0.as_ptr()).file })
    }
}

impl Drop for Compress {
    fn drop(&mut self) {
        // SAFETY: the state came from a box, and goes once; destroying frees what the library allocated, which is
        // nothing if it was not created yet.
        unsafe {
            libjpeg::jpeg_destroy_compress(&mut (*self.0.as_ptr()).info);
            drop(Box::from_raw(self.0.as_ptr()));
        }
    }
}

extern "C-unwind" fn begin(info: &mut jpeg_compress_struct) {
    // SAFETY: the library calls with the client data and the destination that it was given.
    unsafe {
        let state = info.common.client_data.cast::<State>();
        (*info.dest).next_output_byte = (&raw mut (*state).piece).cast();
        (*info.dest).free_in_buffer = PIECE;
    }
}

/// The library asks for this when the piece is full, whatever it says of how much is free.
extern "C-unwind" fn take_all(info: &mut jpeg_compress_struct) -> libjpeg::boolean {
    // SAFETY: as in `begin`.
    unsafe {
        let state = info.common.client_data.cast::<State>();
        (*state).file.extend_from_slice(&(*state).piece);
    }
    begin(info);
    1
}

extern "C-unwind" fn take_rest(info: &mut jpeg_compress_struct) {
    // SAFETY: as in `begin`.
    unsafe {
        let state = info.common.client_data.cast::<State>();
        let filled = PIECE.saturating_sub((*info.dest).free_in_buffer);
        (*state)
            .file
            .extend_from_slice(&(&(*state).piece)[..filled]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ImageLimits;
    use crate::image::jpeg;
    use crate::image::profile::Embedded;

    /// The mean difference of samples after a way there and back.
    fn lost(layout: Layout, (width, height): (u32, u32), quality: u8) -> f64 {
        let samples = (0..width * height).flat_map(|at| {
            let (x, y) = (at % width, at / width);
            let level = |of: u32, side: u32| u8::try_from(of * 255 / side).unwrap();
            let pixel = [
                level(x, width),
                level(y, height),
                level(x + y, width + height),
            ];
            pixel.into_iter().take(layout.channels())
        });
        let data: Vec<u8> = samples.collect();
        let picture = Raster::new((width, height), layout, Embedded::Srgb, data).unwrap();
        let file = encode(&picture, quality).unwrap();
        let header = jpeg::read(&file, &ImageLimits::default()).unwrap();
        assert_eq!((header.width, header.height), (width, height));
        assert_eq!(header.layout, layout);
        let (decoded, _) = jpeg::decode(&file, header, (width, height)).unwrap();
        let all = picture.data.iter().zip(&decoded.data);
        let lost: u32 = all.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        f64::from(lost) / f64::from(u32::try_from(picture.data.len()).unwrap())
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for size in [(1, 1), (30, 500), (640, 480), (1025, 33)] {
            for layout in [Layout::Gray, Layout::Rgb] {
                let lost = lost(layout, size, 95);
                assert!(lost < 3.0, "{layout:?} {size:?}: {lost}");
            }
        }
    }
}
