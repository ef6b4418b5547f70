//! The one thing read from EXIF: tag 0x0112, Orientation, of the first directory (TIFF 6.0 §2;
//! Exif 2.32 §4.6.4). Anything odd means "no orientation", as in every viewer.

use media::Rejection;

use super::bytes::Bytes;
use super::orient::Orientation;

const ORIENTATION: u16 = 0x0112;
const SHORT: u16 = 3;

/// The orientation in a TIFF structure, with or without the `Exif\0\0` that some writers put first.
pub(super) fn orientation(exif: &[u8]) -> Orientation {
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    find(tiff)
        .ok()
        .flatten()
        .and_then(Orientation::new)
        .unwrap_or_default()
}

fn find(tiff: &[u8]) -> Result<Option<u16>, Rejection> {
    let mut header = Bytes::new(tiff);
    let little = match header.take(4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return Ok(None),
    };
    let u16 = |bytes: &mut Bytes| {
        if little {
            bytes.u16_le()
        } else {
            bytes.u16_be()
        }
    };
    let u32 = |bytes: &mut Bytes| {
        if little {
            bytes.u32_le()
        } else {
            bytes.u32_be()
        }
    };

    let mut directory = Bytes::new(tiff);
    directory.skip(u32(&mut header)? as usize)?;
    for _ in 0..u16(&mut directory)? {
        let mut entry = Bytes::new(directory.take(12)?);
        let (tag, kind, count) = (u16(&mut entry)?, u16(&mut entry)?, u32(&mut entry)?);
        if (tag, kind, count) == (ORIENTATION, SHORT, 1) {
            return u16(&mut entry).map(Some);
        }
    }
    Ok(None)
}
