//! Boxes: a length, four letters, and what is in it.

use crate::mp4::Mp4Error;

/// The head of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Four letters.
    pub kind: [u8; 4],
    /// Bytes of the head itself.
    pub head: u64,
    /// Bytes of all, the head counted.
    pub size: u64,
}

impl Header {
    /// The most bytes that [`read`](Self::read) looks at.
    pub const MOST: usize = 16;

    /// Reads the head at the start of `bytes`.
    pub fn read(bytes: &[u8]) -> Result<Self, Mp4Error> {
        let size = u32_at(bytes, 0)?.into();
        let kind = array_at(bytes, 4)?;
        let (head, size) = if size == 1 {
            (16, u64_at(bytes, 8)?)
        } else {
            (8, size)
        };
        if size < head {
            return Err(Mp4Error("a box of no length"));
        }
        Ok(Self { kind, head, size })
    }
}

/// The boxes in `bytes`, one after the other.
pub(crate) struct Boxes<'a>(pub &'a [u8]);

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<([u8; 4], &'a [u8]), Mp4Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let split = || {
            let header = Header::read(self.0)?;
            let size = usize::try_from(header.size)
                .ok()
                .filter(|&size| size <= self.0.len());
            let size = size.ok_or(Mp4Error("a box longer than what holds it"))?;
            let head = if header.head == 16 { 16 } else { 8 };
            Ok((header.kind, &self.0[head..size], &self.0[size..]))
        };
        match split() {
            Ok((kind, content, rest)) => {
                self.0 = rest;
                Some(Ok((kind, content)))
            }
            Err(error) => {
                self.0 = &[];
                Some(Err(error))
            }
        }
    }
}

/// The content of the first box at `path`.
pub(crate) fn find<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> Result<&'a [u8], Mp4Error> {
    let mut content = bytes;
    for kind in path {
        let mut boxes = Boxes(content);
        content = loop {
            match boxes.next() {
                Some(Ok((found, inside))) if found == **kind => break inside,
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Err(Mp4Error("a box is missing")),
            }
        };
    }
    Ok(content)
}

pub(crate) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Mp4Error> {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .ok_or(Mp4Error("a box ends too early"))
}

pub(crate) fn u8_at(bytes: &[u8], at: usize) -> Result<u8, Mp4Error> {
    array_at::<1>(bytes, at).map(|[byte]| byte)
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Mp4Error> {
    array_at(bytes, at).map(u16::from_be_bytes)
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Mp4Error> {
    array_at(bytes, at).map(u32::from_be_bytes)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Result<u64, Mp4Error> {
    array_at(bytes, at).map(u64::from_be_bytes)
}
