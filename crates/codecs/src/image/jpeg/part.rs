//! A JPEG that is a part of a file of another format.

use mozjpeg_sys::J_COLOR_SPACE;
use sandbox::Resource;

use super::library::Decompress;
use super::pixels::failed;
use crate::image::ImageError;
use crate::image::raster::byte_len;
use crate::image::reject;

/// What becomes of a part's colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::image) enum Colors {
    /// Nothing, whatever markers say.
    AsStored,
    /// Luma and differences become red, green and blue.
    Converted,
}

/// Width, height and samples of a part of at most that size, with so many components.
pub(in crate::image) fn decode_part(
    file: &[u8],
    colors: Colors,
    most: (u32, u32),
    components: usize,
) -> Result<((u32, u32), Vec<u8>), ImageError> {
    let mut library = Decompress::new(file).map_err(failed)?;
    let info = library.info();
    let found = usize::try_from(info.num_components).unwrap_or(0);
    if found != components || info.image_width > most.0 || info.image_height > most.1 {
        return Err(reject::corrupt("a jpeg part of another size than announced").into());
    }
    let stored = match (components, colors) {
        (1, _) => J_COLOR_SPACE::JCS_GRAYSCALE,
        (3, Colors::AsStored) => J_COLOR_SPACE::JCS_RGB,
        (3, Colors::Converted) => J_COLOR_SPACE::JCS_YCbCr,
        (4, _) => J_COLOR_SPACE::JCS_CMYK,
        _ => J_COLOR_SPACE::JCS_UNKNOWN,
    };
    info.jpeg_color_space = stored;
    info.out_color_space = match (components, colors) {
        (3, Colors::Converted) => J_COLOR_SPACE::JCS_RGB,
        _ => stored,
    };
    library.start().map_err(failed)?;
    let (width, height) = (library.info().output_width, library.info().output_height);
    let size = byte_len(width, height, components);
    let mut data = vec![0; size.ok_or(ImageError::LimitHit(Resource::Memory))?];
    let row = width as usize * components;
    let mut at = 0;
    while at < data.len() {
        at += row * library.read(&mut data[at..], row).map_err(failed)?;
    }
    if library.lacks_data() {
        return Err(reject::corrupt("a jpeg part that is not whole").into());
    }
    Ok(((width, height), data))
}
