//! The chunks of a PNG, and a copy of those that make the picture.
//!
//! Files are read as browsers read them: what is not needed for the picture is left out, and what is wrong behind its
//! last row is the end of the file.

use super::{METADATA_BYTES, SIGNATURE};
use crate::image::ImageLimits;
use crate::image::bytes::Bytes;
use crate::image::reject;
use media::Rejection;

/// Chunks that say how the picture looks, of which there is one each.
const ONCE: [&[u8; 4]; 12] = [
    b"IHDR", b"PLTE", b"tRNS", b"iCCP", b"cICP", b"gAMA", b"cHRM", b"sRGB", b"cLLI", b"mDCV",
    b"eXIf", b"acTL",
];

/// Chunks of pixels, of which there are many.
const MANY: [&[u8; 4]; 3] = [b"IDAT", b"fcTL", b"fdAT"];

/// What the chunks say.
pub(super) struct Found {
    /// A file that has only what makes the picture, closed.
    pub(super) clean: Vec<u8>,
    /// Whether the file ends before it says so, perhaps within its pixels.
    pub(super) cut: bool,
    pub(super) frames: u32,
    /// How often the animation is played; 0 for ever.
    pub(super) plays: u32,
    /// Bytes behind the end.
    pub(super) trailing: usize,
}

/// Walks all chunks.
pub(super) fn walk(file: &[u8], limits: &ImageLimits) -> Result<Found, Rejection> {
    let mut bytes = Bytes::new(file);
    let mut walk = Walk {
        found: Found {
            clean: bytes.take(SIGNATURE.len())?.to_vec(),
            cut: false,
            frames: 1,
            plays: 1,
            trailing: 0,
        },
        seen: Vec::new(),
    };
    loop {
        match walk.chunk(&mut bytes, limits) {
            Ok(true) => {}
            Ok(false) => break,
            // Behind the first pixels, whatever cannot be read is the end of the file.
            Err(_) if walk.has_pixels() => {
                walk.found.cut = true;
                break;
            }
            Err(rejection) => return Err(rejection),
        }
    }
    if !walk.has_pixels() {
        return Err(reject::corrupt("a png without a picture"));
    }
    walk.found.clean.extend(b"\0\0\0\0IEND\xAE\x42\x60\x82");
    Ok(walk.found)
}

/// Whether the decoder reads such a chunk, of those for which it would refuse the whole file.
fn is_readable(kind: [u8; 4], data: &[u8]) -> bool {
    match &kind {
        b"cICP" => matches!(data, [_, _, 0, 0 | 1]),
        b"cLLI" => data.len() == 8,
        b"mDCV" => data.len() == 24,
        b"iCCP" | b"eXIf" => data.len() <= METADATA_BYTES / 2,
        _ => true,
    }
}

struct Walk {
    found: Found,
    /// The kinds of chunks that were there.
    seen: Vec<[u8; 4]>,
}

impl Walk {
    fn has_pixels(&self) -> bool {
        self.seen.contains(b"IDAT")
    }

    /// Takes in one chunk; false if it was the last.
    fn chunk(&mut self, bytes: &mut Bytes, limits: &ImageLimits) -> Result<bool, Rejection> {
        let length = bytes.u32_be()?;
        let kind = bytes.fourcc()?;
        if self.seen.is_empty() {
            if (length, &kind) != (13, b"IHDR") {
                return Err(reject::corrupt("a png that does not begin with IHDR"));
            }
            // Before anything else, so that a bomb is called one even if it is also cut short.
            let mut size = bytes.clone();
            limits.check_size(size.u32_be()?, size.u32_be()?)?;
        }
        let whole = u64::from(length) + 4 <= bytes.rest().len() as u64;
        if !whole && &kind == b"IDAT" {
            self.cut_pixels(bytes.rest(), length);
            return Ok(false);
        }
        if &kind == b"IEND" {
            self.found.trailing = bytes.rest().len().saturating_sub(4);
            return Ok(false);
        }
        let mut data = bytes.take(length as usize)?;
        let stored = bytes.take(4)?; // checksum, which the decoder verifies
        let mut sum: [u8; 4] = [stored[0], stored[1], stored[2], stored[3]];
        if &kind == b"acTL" {
            let mut control = Bytes::new(data);
            self.found.frames = control.u32_be()?.max(1);
            self.found.plays = control.u32_be()?;
        }
        if &kind == b"PLTE" && data.len() % 3 != 0 {
            data = &data[..data.len() / 3 * 3];
            sum = checksum(&[&kind, data].concat()).to_be_bytes();
        }
        if !is_readable(kind, data) {
            return Ok(true);
        }
        let is_new = !self.seen.contains(&kind);
        if ONCE.contains(&&kind) && is_new || MANY.contains(&&kind) {
            self.append(kind, data, sum);
        }
        if is_new && (ONCE.contains(&&kind) || MANY.contains(&&kind)) {
            self.seen.push(kind);
        }
        Ok(true)
    }

    /// What is there of the last pixels; the checksum of them cannot be right.
    fn cut_pixels(&mut self, rest: &[u8], length: u32) {
        let data = &rest[..rest.len().min(length as usize)];
        self.found.cut = true;
        self.append(*b"IDAT", data, [0; 4]);
        self.seen.push(*b"IDAT");
    }

    fn append(&mut self, kind: [u8; 4], data: &[u8], sum: [u8; 4]) {
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let clean = &mut self.found.clean;
        clean.extend(length.to_be_bytes());
        clean.extend(kind);
        clean.extend(data);
        clean.extend(sum);
    }
}

/// CRC-32 of a palette (PNG third edition §5.5).
fn checksum(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xEDB8_8320;
    let step = |sum: u32, _| {
        if sum & 1 == 1 {
            sum >> 1 ^ POLYNOMIAL
        } else {
            sum >> 1
        }
    };
    !bytes.iter().fold(u32::MAX, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), step)
    })
}
