//! What is read from the first directory of EXIF (TIFF 6.0 §2; Exif 2.32 §4.6.4): the orientation, and texts that are asked
//! for by their tags. Anything odd means that it does not say, as in every viewer.

use media::Rejection;

use super::bytes::Bytes;
use super::orient::Orientation;

const ORIENTATION: u16 = 0x0112;
const SHORT: u16 = 3;
const ASCII: u16 = 2;

/// The orientation in a TIFF structure, with or without the `Exif\0\0` that some writers put first.
pub(super) fn orientation(exif: &[u8]) -> Orientation {
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    find(tiff)
        .ok()
        .flatten()
        .and_then(Orientation::new)
        .unwrap_or_default()
}

/// The bytes of a text.
pub(super) fn text(tiff: &[u8], tag: u16) -> Option<&[u8]> {
    let wanted = |found, kind, _| (found, kind) == (tag, ASCII);
    let (count, mut value) = entry(tiff, wanted).ok()??;
    let (count, here) = (count as usize, value.bytes.rest());
    if count <= here.len() {
        return here.get(..count);
    }
    let start = value.u32().ok()? as usize;
    tiff.get(start..start.checked_add(count)?)
}

/// What the maker of the camera put into a note of its own.
pub(super) fn maker_note(tiff: &[u8]) -> Option<&[u8]> {
    const EXIF: u16 = 0x8769;
    const MAKER_NOTE: u16 = 0x927C;
    let of = |wanted: u16| move |tag: u16, _: u16, _: u32| tag == wanted;
    let (_, mut place) = entry(tiff, of(EXIF)).ok()??;
    let directory = place.u32().ok()? as usize;
    let (length, mut start) = entry_at(tiff, (directory, place.little), of(MAKER_NOTE)).ok()??;
    let start = start.u32().ok()? as usize;
    tiff.get(start..start.checked_add(length as usize)?)
}

/// A signed fraction of a directory that begins at `start` of `block`, which counts from its own beginning and has the
/// most significant byte first.
pub(super) fn fraction(block: &[u8], start: usize, tag: u16) -> Option<f64> {
    const FRACTION: u16 = 10;
    let wanted = |found, kind, count| (found, kind, count) == (tag, FRACTION, 1);
    let (_, mut place) = entry_at(block, (start, false), wanted).ok()??;
    let mut value = Reader::new(block.get(place.u32().ok()? as usize..)?, false);
    let (above, below) = (value.u32().ok()?, value.u32().ok()?);
    let (above, below) = (above.cast_signed(), below.cast_signed());
    (below != 0).then(|| f64::from(above) / f64::from(below))
}

fn find(tiff: &[u8]) -> Result<Option<u16>, Rejection> {
    let wanted = |tag, kind, count| (tag, kind, count) == (ORIENTATION, SHORT, 1);
    let found = entry(tiff, wanted)?;
    found.map(|(_, mut value)| value.u16()).transpose()
}

/// Of the first entry of the first directory whose tag, kind and count are wanted: the count, and the four bytes in which
/// the value is or that say where it is.
fn entry(
    tiff: &[u8],
    is_wanted: impl Fn(u16, u16, u32) -> bool,
) -> Result<Option<(u32, Reader<'_>)>, Rejection> {
    let little = match tiff.get(..4) {
        Some(b"II*\0") => true,
        Some(b"MM\0*") => false,
        _ => return Ok(None),
    };
    let start = Reader::new(&tiff[4..], little).u32()?;
    entry_at(tiff, (start as usize, little), is_wanted)
}

/// The same of a directory that begins there and has such an order of bytes.
fn entry_at(
    tiff: &[u8],
    (start, little): (usize, bool),
    is_wanted: impl Fn(u16, u16, u32) -> bool,
) -> Result<Option<(u32, Reader<'_>)>, Rejection> {
    let mut directory = Reader::new(tiff, little);
    directory.bytes.skip(start)?;
    for _ in 0..directory.u16()? {
        let mut entry = Reader::new(directory.bytes.take(12)?, little);
        let (tag, kind, count) = (entry.u16()?, entry.u16()?, entry.u32()?);
        if is_wanted(tag, kind, count) {
            return Ok(Some((count, entry)));
        }
    }
    Ok(None)
}

struct Reader<'a> {
    bytes: Bytes<'a>,
    little: bool,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], little: bool) -> Self {
        let bytes = Bytes::new(bytes);
        Self { bytes, little }
    }

    fn u16(&mut self) -> Result<u16, Rejection> {
        if self.little {
            self.bytes.u16_le()
        } else {
            self.bytes.u16_be()
        }
    }

    fn u32(&mut self) -> Result<u32, Rejection> {
        if self.little {
            self.bytes.u32_le()
        } else {
            self.bytes.u32_be()
        }
    }
}
