//! libwebp's decoder, which browsers use.

use std::ffi::c_int;
use std::ptr;

use libwebp_sys as webp;

use super::Chunk;
use super::frames::Stream;
use crate::image::ImageError;
use crate::image::extent::Extent;
use crate::image::raster::{Layout, byte_len};
use crate::image::reject;
use sandbox::Resource;

/// Decodes a picture to RGB or RGBA, and says how much of it there was.
pub(super) fn decode(stream: &Stream, layout: Layout) -> Result<(Vec<u8>, Extent), ImageError> {
    let too_large = || ImageError::LimitHit(Resource::Memory);
    let (width, height) = stream.size;
    let size = byte_len(width, height, layout.channels()).ok_or_else(too_large)?;
    let stride = width as usize * layout.channels();
    let mode = if layout.has_alpha() {
        webp::WEBP_CSP_MODE::MODE_RGBA
    } else {
        webp::WEBP_CSP_MODE::MODE_RGB
    };
    let file = file(stream);
    let mut pixels = vec![0; size];
    let stride = c_int::try_from(stride).map_err(|_| too_large())?;
    let mut rows: c_int = 0;
    // SAFETY: the decoder writes to `pixels` only, as many rows of `stride` bytes as the file's header says, and checks
    // that they fit; it reads `file` only, and is freed before either.
    let status = unsafe {
        let decoder = webp::WebPINewRGB(mode, pixels.as_mut_ptr(), pixels.len(), stride);
        if decoder.is_null() {
            return Err(too_large());
        }
        let status = webp::WebPIUpdate(decoder, file.as_ptr(), file.len());
        webp::WebPIDecGetRGB(
            decoder,
            &raw mut rows,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
        );
        webp::WebPIDelete(decoder);
        status
    };
    let rows = u64::try_from(rows).unwrap_or(0);
    match status {
        webp::VP8StatusCode::VP8_STATUS_OK => Ok((pixels, Extent::Whole)),
        webp::VP8StatusCode::VP8_STATUS_SUSPENDED => {
            Extent::of_rows(rows, height.into())?;
            Ok((pixels, Extent::Cut))
        }
        webp::VP8StatusCode::VP8_STATUS_OUT_OF_MEMORY => Err(too_large()),
        _ => Err(reject::corrupt("the webp's picture data cannot be read").into()),
    }
}

/// A file of this picture alone. Its sizes are those that were declared, so that a cut picture is known to be cut.
fn file(stream: &Stream) -> Vec<u8> {
    let mut chunks = Vec::new();
    if let Some(alpha) = &stream.alpha {
        const ALPHA: u8 = 0x10;
        let side = |side: u32| side.saturating_sub(1).to_le_bytes();
        chunks.extend(b"VP8X\x0a\0\0\0");
        chunks.extend([ALPHA, 0, 0, 0]);
        chunks.extend(&side(stream.size.0)[..3]);
        chunks.extend(&side(stream.size.1)[..3]);
        append(&mut chunks, alpha);
    }
    append(&mut chunks, &stream.picture);
    let missing = stream.picture.length as usize - stream.picture.data.len();
    // An odd length has a byte behind it that counts: without it, libwebp finds the picture longer than its file.
    let size = (4 + chunks.len() + missing).next_multiple_of(2);
    let size = u32::try_from(size).unwrap_or(u32::MAX - 1);
    let mut file = b"RIFF".to_vec();
    file.extend(size.to_le_bytes());
    file.extend(b"WEBP");
    file.append(&mut chunks);
    file
}

fn append(chunks: &mut Vec<u8>, chunk: &Chunk) {
    chunks.extend(chunk.kind);
    chunks.extend(chunk.length.to_le_bytes());
    chunks.extend(chunk.data);
    let whole = chunk.data.len() == chunk.length as usize;
    if whole && chunk.length % 2 == 1 {
        chunks.push(0);
    }
}
