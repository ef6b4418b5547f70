//! The pixels of a JPEG, as browsers show them: what is missing at the end is made up by the library. How much that is
//! decides whether the picture is taken.

use mozjpeg_sys as libjpeg;

use libjpeg::{J_COLOR_SPACE, JERR_FRACT_SAMPLE_NOTIMPL, JERR_OUT_OF_MEMORY};
use sandbox::Resource;

use super::library::{Decompress, Failure, Progress};
use crate::image::ImageError;
use crate::image::extent::Extent;
use crate::image::header::Header;
use crate::image::raster::{Layout, Raster, byte_len};
use crate::image::reject;

/// Decodes a file whose segments were found in order. The picture is at least as large as `wanted`, and no larger than
/// it is stored: making it smaller here is a fraction of the work.
pub(in crate::image) fn decode(
    bytes: &[u8],
    header: Header,
    wanted: (u32, u32),
) -> Result<(Raster, Extent), ImageError> {
    let mut library = Decompress::new(bytes).map_err(failed)?;
    let info = library.info();
    if (info.image_width, info.image_height) != (header.width, header.height) {
        return Err(reject::corrupt("a jpeg with two sizes").into());
    }
    info.out_color_space = match header.layout {
        Layout::Gray => J_COLOR_SPACE::JCS_GRAYSCALE,
        Layout::Cmyk => J_COLOR_SPACE::JCS_CMYK,
        _ => J_COLOR_SPACE::JCS_RGB,
    };
    info.scale_num = eighths((header.width, header.height), wanted);
    info.scale_denom = 8;

    let mut data = Vec::new();
    let complete = if library.has_scans() {
        library.info().buffered_image = 1;
        library.start().map_err(failed)?;
        let complete = read_scans(&mut library, &header.jpeg.begins).map_err(failed)?;
        library.show_scans().map_err(failed)?;
        read_rows(&mut library, header.layout, &mut data)?;
        complete
    } else {
        library.start().map_err(failed)?;
        read_rows(&mut library, header.layout, &mut data)?
    };
    let extent = if library.lacks_data() {
        // The last row of blocks that it brought is not whole.
        Extent::of_rows(complete.rows.saturating_sub(1), complete.of)?
    } else {
        Extent::Whole
    };
    if header.layout == Layout::Cmyk && header.jpeg.inverted_ink {
        for ink in &mut data {
            *ink = 255 - *ink;
        }
    }
    let size = (library.info().output_width, library.info().output_height);
    let picture = Raster::new(size, header.layout, header.color, data)?;
    Ok((picture, extent))
}

/// Rows of blocks that the file brought anything of, of those that the picture has.
#[derive(Clone, Copy)]
struct Complete {
    rows: u64,
    of: u64,
}

/// The scale in eighths of what is stored, of those that the library is fast at.
fn eighths((width, height): (u32, u32), wanted: (u32, u32)) -> u32 {
    let scaled = |side: u32, eighths: u32| (u64::from(side) * u64::from(eighths)).div_ceil(8);
    let suits = |&eighths: &u32| {
        scaled(width, eighths) >= wanted.0.into() && scaled(height, eighths) >= wanted.1.into()
    };
    [1, 2, 4].into_iter().find(suits).unwrap_or(8)
}

/// Reads every scan. Only those that begin a component count: without the others it is a little less sharp.
fn read_scans(library: &mut Decompress, begins: &[bool]) -> Result<Complete, Failure> {
    let of = block_rows(library);
    let mut complete = Complete { rows: of, of };
    let (mut scan, mut rows, mut brought) = (0, 0, 0);
    let mut unread = library.unread();
    loop {
        let progress = library.consume()?;
        if progress == Progress::Row {
            rows += 1;
            if library.unread() != unread {
                brought = rows;
            }
        } else {
            // The first scan was entered before the first row was read.
            if begins.get(scan) == Some(&true) {
                complete.rows = complete.rows.min(brought);
            }
            if progress == Progress::End {
                return Ok(complete);
            }
            (scan, rows, brought) = (scan + 1, 0, 0);
        }
        unread = library.unread();
    }
}

/// Reads all rows into `data`, and says how many of them the file brought.
fn read_rows(
    library: &mut Decompress,
    layout: Layout,
    data: &mut Vec<u8>,
) -> Result<Complete, ImageError> {
    let of = block_rows(library);
    let (width, height) = (library.info().output_width, library.info().output_height);
    let size = byte_len(width, height, layout.channels());
    let size = size.ok_or(ImageError::LimitHit(Resource::Memory))?;
    let row = width as usize * layout.channels();
    data.resize(size, 0);
    let (mut at, mut brought, mut unread) = (0, 0, library.unread());
    while at < size {
        let rows = library.read(&mut data[at..], row).map_err(failed)?;
        at += rows * row;
        if library.unread() != unread || at == rows * row {
            unread = library.unread();
            brought = u64::from(library.info().input_iMCU_row);
        }
    }
    Ok(Complete { rows: brought, of })
}

/// Rows of blocks in the picture, each as high as one block of its most finely sampled component.
fn block_rows(library: &mut Decompress) -> u64 {
    const BLOCK: u32 = 8;
    let info = library.info();
    let finest = u32::try_from(info.max_v_samp_factor).unwrap_or(1).max(1);
    info.image_height.div_ceil(BLOCK * finest).into()
}

pub(super) fn failed(Failure(code): Failure) -> ImageError {
    match code {
        JERR_OUT_OF_MEMORY => ImageError::LimitHit(Resource::Memory),
        JERR_FRACT_SAMPLE_NOTIMPL => {
            reject::unsupported("jpeg with samples at fractions of each other").into()
        }
        _ => reject::corrupt("the jpeg's picture data cannot be read").into(),
    }
}
