//! GIF 87a and 89a (the format's own specification, 1990). The first frame is the picture.

use gif::{ColorOutput, DecodeOptions, MemoryLimit};
use media::Rejection;
use media::formats::ImageFormat;
use sandbox::Resource;

use super::ImageError;
use super::ImageLimits;
use super::bytes::Bytes;
use super::header::{Header, with_trailing};
use super::jpeg;
use super::orient::Orientation;
use super::profile::Embedded;
use super::raster::{Layout, Raster, byte_len};
use super::reject;

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2C;
const TRAILER: u8 = 0x3B;
const GRAPHIC_CONTROL: u8 = 0xF9;

pub(super) fn read(bytes: &[u8], limits: &ImageLimits) -> Result<Header, Rejection> {
    let mut bytes = Bytes::new(bytes);
    bytes.skip(6)?;
    let mut screen = (bytes.u16_le()?, bytes.u16_le()?);
    let flags = bytes.u8()?;
    bytes.skip(2)?;
    skip_palette(&mut bytes, flags)?;

    let (mut frames, mut transparent) = (0, false);
    // Some writers leave out the trailer; a file that ends between blocks is whole.
    while !bytes.is_empty() {
        match bytes.u8()? {
            TRAILER => break,
            EXTENSION => {
                let label = bytes.u8()?;
                let mut blocks = bytes.clone();
                if label == GRAPHIC_CONTROL && frames == 0 {
                    blocks.skip(1)?;
                    transparent = blocks.u8()? & 1 != 0;
                }
            }
            IMAGE => {
                bytes.skip(4)?;
                let size = (bytes.u16_le()?, bytes.u16_le()?);
                limits.check_size(size.0.into(), size.1.into())?;
                if frames == 0 {
                    // A screen without a size is as large as its first frame.
                    screen = if screen.0 == 0 || screen.1 == 0 {
                        size
                    } else {
                        screen
                    };
                    limits.check_size(screen.0.into(), screen.1.into())?;
                    transparent |= size != screen;
                }
                frames += 1;
                limits.check_frames(frames)?;
                let flags = bytes.u8()?;
                skip_palette(&mut bytes, flags)?;
                bytes.skip(1)?; // code size
            }
            other => {
                return Err(reject::corrupt(format!("gif block of kind {other:#04x}")));
            }
        }
        skip_blocks(&mut bytes)?;
    }
    if frames == 0 {
        return Err(reject::corrupt("a gif without a picture"));
    }
    Ok(Header {
        format: with_trailing(ImageFormat::Gif, bytes.rest().len())?,
        width: screen.0.into(),
        height: screen.1.into(),
        orientation: Orientation::default(),
        layout: Layout::Rgba,
        jpeg: jpeg::Traits::default(),
        has_alpha: transparent,
        bit_depth: 8,
        frames,
        color: Embedded::Nothing,
    })
}

fn skip_palette(bytes: &mut Bytes, flags: u8) -> Result<(), Rejection> {
    if flags & 0x80 != 0 {
        bytes.skip(3 << ((flags & 7) + 1))?;
    }
    Ok(())
}

fn skip_blocks(bytes: &mut Bytes) -> Result<(), Rejection> {
    loop {
        match bytes.u8()? {
            0 => return Ok(()),
            length => bytes.skip(length.into())?,
        }
    }
}

pub(super) fn decode(bytes: &[u8], header: Header) -> Result<Raster, ImageError> {
    let corrupt = |error: gif::DecodingError| reject::corrupt(format!("gif: {error}"));
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    options.set_memory_limit(MemoryLimit::Unlimited); // sizes were checked in `read`
    let mut decoder = options.read_info(bytes).map_err(corrupt)?;
    let frame = decoder.read_next_frame().map_err(corrupt)?;
    let frame = frame.ok_or_else(|| reject::corrupt("gif: no frame"))?;

    let too_large = ImageError::LimitHit(Resource::Memory);
    let size = byte_len(header.width, header.height, 4).ok_or(too_large)?;
    let mut screen = vec![0; size];
    let (width, height) = (header.width as usize, header.height as usize);
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let visible = usize::from(frame.width).min(width.saturating_sub(left)) * 4;
    let frame_rows = frame.buffer.chunks_exact(usize::from(frame.width) * 4);
    for (row, pixels) in (top..height).zip(frame_rows) {
        if visible > 0 {
            let start = (row * width + left) * 4;
            screen[start..start + visible].copy_from_slice(&pixels[..visible]);
        }
    }
    let size = (header.width, header.height);
    Ok(Raster::new(size, header.layout, header.color, screen)?)
}
