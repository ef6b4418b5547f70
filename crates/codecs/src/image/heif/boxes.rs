//! Boxes of ISO base media files (ISO/IEC 14496-12 §4.2): a length, a kind, and what is inside.

use media::Rejection;

use crate::image::bytes::Bytes;
use crate::image::reject;

/// A box that is whole.
#[derive(Clone)]
pub(super) struct Box<'a> {
    pub(super) kind: [u8; 4],
    pub(super) body: Bytes<'a>,
}

/// The next of the boxes that `bytes` are; nothing behind the last.
pub(super) fn next<'a>(bytes: &mut Bytes<'a>) -> Result<Option<Box<'a>>, Rejection> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let start = bytes.rest().len();
    let short = bytes.u32_be()?;
    let kind = bytes.fourcc()?;
    let length = match short {
        0 => start as u64, // up to the end
        1 => bytes.u64_be()?,
        short => short.into(),
    };
    if &kind == b"uuid" {
        bytes.skip(16)?;
    }
    let header = (start - bytes.rest().len()) as u64;
    let body = length
        .checked_sub(header)
        .ok_or_else(|| reject::corrupt("a box shorter than its header"))?;
    let body = usize::try_from(body).map_err(|_| reject::corrupt("a box longer than its file"))?;
    Ok(Some(Box {
        kind,
        body: Bytes::new(bytes.take(body)?),
    }))
}

/// The first box of a kind among those that `bytes` are.
pub(super) fn find(mut bytes: Bytes, kind: [u8; 4]) -> Result<Option<Bytes>, Rejection> {
    while let Some(found) = next(&mut bytes)? {
        if found.kind == kind {
            return Ok(Some(found.body));
        }
    }
    Ok(None)
}

/// As [`find`], for a box without which there is no picture.
pub(super) fn need(bytes: Bytes, kind: [u8; 4]) -> Result<Bytes, Rejection> {
    find(bytes, kind)?.ok_or_else(|| {
        let kind = String::from_utf8_lossy(&kind).into_owned();
        reject::corrupt(format!("a file without its box {kind}"))
    })
}

/// Version and flags, with which some boxes begin.
pub(super) fn version(bytes: &mut Bytes) -> Result<(u8, u32), Rejection> {
    let version = bytes.u8()?;
    let flags = bytes.take(3)?;
    let flags = u32::from_be_bytes([0, flags[0], flags[1], flags[2]]);
    Ok((version, flags))
}
