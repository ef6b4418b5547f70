//! A gain map within a JPEG: another JPEG behind its end, found by the index of pictures (CIPA DC-007) or the directory in
//! the packet of XMP.

use super::metadata::Metadata;
use super::xmp::Packet;
use super::{Meaning, apple};
use crate::image::bytes::Bytes;
use crate::image::jpeg;
use media::Rejection;

const APP1: u8 = 0xE1;
const APP2: u8 = 0xE2;
/// What the segments begin with.
pub(super) const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
pub(super) const ISO: &[u8] = b"urn:iso:std:iso:ts:21496:-1\0";
pub(super) const INDEX: &[u8] = b"MPF\0";
const EXIF: &[u8] = b"Exif\0\0";
/// Pictures of a file that are looked at.
const PICTURES: usize = 16;

/// The file of the map, and what its samples mean.
pub(super) fn find(file: &[u8]) -> Option<(&[u8], Meaning)> {
    let listed = indexed(file).into_iter().chain(in_directory(file));
    let mut maps = listed.filter(|picture| picture.starts_with(&[0xFF, 0xD8, 0xFF]));
    maps.find_map(|map| Some((map, meaning(file, map)?)))
}

fn segment<'a>(file: &'a [u8], kind: u8, start: &[u8]) -> Option<&'a [u8]> {
    let mut segments = jpeg::segments(file).filter(|segment| segment.0 == kind);
    segments.find_map(|(_, body)| body.strip_prefix(start))
}

/// What the samples of `map` mean, if it is one.
fn meaning(file: &[u8], map: &[u8]) -> Option<Meaning> {
    if let Some(metadata) = segment(map, APP2, ISO).and_then(Metadata::read) {
        return Some(Meaning::Stops(metadata));
    }
    let packet = Packet::read(segment(map, APP1, XMP)?);
    if !packet.is_apples() {
        return packet.metadata().map(Meaning::Stops);
    }
    let said = packet.headroom().and_then(apple::headroom);
    let of_exif = || apple::headroom_of_exif(segment(file, APP1, EXIF)?);
    said.or_else(of_exif).map(Meaning::Apple)
}

/// The pictures behind the first, as the index has them.
fn indexed(file: &[u8]) -> Vec<&[u8]> {
    let index = segment(file, APP2, INDEX);
    index
        .and_then(|index| entries(file, index).ok())
        .unwrap_or_default()
}

fn entries<'a>(file: &'a [u8], index: &'a [u8]) -> Result<Vec<&'a [u8]>, Rejection> {
    const ENTRIES: u16 = 0xB002;
    const ENTRY: usize = 16;
    // Places are counted from the index' own beginning.
    let origin = index.as_ptr().addr() - file.as_ptr().addr();
    let little = index.starts_with(b"II*\0");
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
    let mut bytes = Bytes::new(index);
    bytes.skip(4)?;
    let start = u32(&mut bytes)? as usize;
    let mut bytes = Bytes::new(index);
    bytes.skip(start)?;
    let mut pictures = Vec::new();
    for _ in 0..u16(&mut bytes)? {
        let (tag, _kind) = (u16(&mut bytes)?, u16(&mut bytes)?);
        let (length, at) = (u32(&mut bytes)? as usize, u32(&mut bytes)? as usize);
        if tag != ENTRIES {
            continue;
        }
        let mut entries = Bytes::new(index);
        entries.skip(at)?;
        for number in 0..(length / ENTRY).min(PICTURES) {
            let (_kind, length) = (u32(&mut entries)?, u32(&mut entries)? as usize);
            let start = u32(&mut entries)? as usize;
            entries.skip(4)?; // which depend on which
            let start = origin.saturating_add(start);
            let picture = file.get(start..start.saturating_add(length));
            pictures.extend(picture.filter(|_| number > 0));
        }
    }
    Ok(pictures)
}

/// The gain maps of the directory. Pictures lie one behind the other, up to the file's end.
fn in_directory(file: &[u8]) -> Vec<&[u8]> {
    let Some(packet) = segment(file, APP1, XMP) else {
        return Vec::new();
    };
    let (mut maps, mut end) = (Vec::new(), file.len());
    for item in Packet::read(packet).items().iter().skip(1).rev() {
        let length = usize::try_from(item.length).unwrap_or(usize::MAX);
        let Some(start) = end.checked_sub(length) else {
            break;
        };
        if item.is_gain_map {
            maps.push(&file[start..end]);
        }
        end = start;
    }
    maps
}
