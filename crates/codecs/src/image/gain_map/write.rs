//! A JPEG with a gain map: two JPEGs in one file, with what says so twice: as ISO 21496-1 has it, and as XMP, which Ultra
//! HDR and older browsers read. Nothing else is in it.

use super::jpeg::{INDEX, ISO, XMP};
use super::metadata::Metadata;
use super::xmp;

/// The version of ISO 21496-1 for readers and writers, which is all that the base says of it.
const VERSION: [u8; 4] = [0; 4];
/// Bytes of a JPEG's start marker, of a segment's marker and length, and of the index.
const START: usize = 2;
const SEGMENT_HEAD: usize = 4;
const INDEX_BYTES: usize = 82;

/// Of two JPEGs and what the samples of the second mean. Nothing if what is said does not fit.
pub(super) fn join(
    base: &[u8],
    map: &[u8],
    metadata: &Metadata,
    rights: Option<&[u8]>,
) -> Option<Vec<u8>> {
    let about_map = [
        segment(0xE1, &[XMP, &xmp::of_map(metadata)])?,
        segment(0xE2, &[ISO, &metadata.write()])?,
    ];
    let map = [&map[..START], &about_map.concat(), map.get(START..)?].concat();
    let about_base = [
        segment(0xE1, &[XMP, &xmp::of_base(map.len(), rights)])?,
        segment(0xE2, &[ISO, &VERSION])?,
    ];
    let mut file = [&base[..START], &about_base.concat()].concat();
    let origin = file.len() + SEGMENT_HEAD + INDEX.len();
    let index_length = SEGMENT_HEAD + INDEX.len() + INDEX_BYTES;
    let base_length = file.len() + index_length + base.len() - START;
    let index = index(base_length, base_length - origin, map.len())?;
    file.extend(segment(0xE2, &[INDEX, &index])?);
    file.extend(base.get(START..)?);
    file.extend(map);
    Some(file)
}

/// A segment with its marker and length.
fn segment(marker: u8, parts: &[&[u8]]) -> Option<Vec<u8>> {
    let body = parts.concat();
    let length = u16::try_from(body.len() + 2).ok()?;
    Some([&[0xFF, marker], &length.to_be_bytes()[..], &body].concat())
}

/// The index of two pictures (CIPA DC-007 §5.2): how long they are, and where the second begins, counted from the
/// index.
fn index(first: usize, place: usize, second: usize) -> Option<[u8; INDEX_BYTES]> {
    const UNDEFINED: u16 = 7;
    const LONG: u16 = 4;
    /// The main picture, in a file that other readers take for a JPEG of one.
    const MAIN: u32 = 0x0003_0000;
    let entries_at = 8 + 2 + 3 * 12 + 4;
    let mut index = b"MM\0*\0\0\0\x08\0\x03".to_vec();
    for (tag, kind, count, value) in [
        (0xB000_u16, UNDEFINED, 4_u32, u32::from_be_bytes(*b"0100")),
        (0xB001, LONG, 1, 2),
        (0xB002, UNDEFINED, 32, entries_at),
    ] {
        index.extend(tag.to_be_bytes());
        index.extend(kind.to_be_bytes());
        index.extend(count.to_be_bytes());
        index.extend(value.to_be_bytes());
    }
    index.extend([0; 4]); // no other directory
    let short = |length: usize| u32::try_from(length).ok();
    for entry in [
        [MAIN, short(first)?, 0, 0],
        [0, short(second)?, short(place)?, 0],
    ] {
        index.extend(entry.iter().flat_map(|number| number.to_be_bytes()));
    }
    index.try_into().ok()
}
