//! A directory of a TIFF: its fields, by number.

use std::borrow::Cow;
use std::collections::BTreeMap;

use media::Rejection;

use crate::image::bytes::Bytes;
use crate::image::reject;

/// Most fields that are looked at; no program writes as many.
const MAX_FIELDS: u64 = 1_000;

/// The fields of the first page.
pub(super) struct Directory<'a> {
    pub(super) little: bool,
    fields: BTreeMap<u16, Field<'a>>,
}

/// A field's values as they are stored.
struct Field<'a> {
    kind: u16,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Directory<'a> {
    pub(super) fn read(file: &'a [u8]) -> Result<Self, Rejection> {
        let mut reader = Reader {
            bytes: Bytes::new(file),
            little: file.first() == Some(&b'I'),
            big: false,
        };
        reader.bytes.skip(2)?;
        reader.big = reader.u16()? == 43;
        if reader.big {
            reader.bytes.skip(4)?; // 8 bytes an offset, and nothing
        }
        let start = reader.word()?;
        reader.bytes = Bytes::new(at(file, start)?);
        let count = if reader.big {
            reader.word()?
        } else {
            reader.u16()?.into()
        };
        let mut directory = Self {
            little: reader.little,
            fields: BTreeMap::new(),
        };
        for _ in 0..count.min(MAX_FIELDS) {
            let tag = reader.u16()?;
            // What a field leads to may be missing, if the picture does not need it.
            if let Some(field) = field(file, &mut reader)? {
                directory.fields.entry(tag).or_insert(field);
            }
        }
        Ok(directory)
    }

    /// The bytes of a field of any kind.
    pub(super) fn bytes(&self, tag: u16) -> Option<&[u8]> {
        let field = self.fields.get(&tag)?;
        Some(&field.bytes)
    }

    /// The whole numbers of a field; none if there is no such field.
    pub(super) fn numbers(&self, tag: u16) -> impl Iterator<Item = u64> {
        let field = self.fields.get(&tag);
        let width = field.map_or(1, |field| width(field.kind).max(1));
        let whole = field.filter(|field| matches!(field.kind, 1 | 3 | 4 | 13 | 16 | 18));
        let bytes = whole.map_or(&[][..], |field| &field.bytes);
        bytes.chunks_exact(width).map(|number| {
            let step = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
            if self.little {
                number.iter().rev().fold(0, step)
            } else {
                number.iter().fold(0, step)
            }
        })
    }

    /// The first number of a field.
    pub(super) fn number(&self, tag: u16) -> Option<u64> {
        self.numbers(tag).next()
    }
}

/// The next entry's field; nothing for one that leads out of the file or is of a kind that nobody knows.
fn field<'a>(file: &'a [u8], reader: &mut Reader<'a>) -> Result<Option<Field<'a>>, Rejection> {
    let kind = reader.u16()?;
    let count = reader.word()?;
    let place = reader.bytes.take(if reader.big { 8 } else { 4 })?;
    let Some(length) = usize::try_from(count)
        .ok()
        .and_then(|count| count.checked_mul(width(kind)))
        .filter(|&length| length > 0)
    else {
        return Ok(None);
    };
    if length <= place.len() {
        let bytes = Cow::Owned(place[..length].to_vec());
        return Ok(Some(Field { kind, bytes }));
    }
    let mut place = Reader {
        bytes: Bytes::new(place),
        ..*reader
    };
    let bytes = at(file, place.word()?).ok();
    let bytes = bytes.and_then(|bytes| bytes.get(..length));
    Ok(bytes.map(|bytes| Field {
        kind,
        bytes: Cow::Borrowed(bytes),
    }))
}

/// Bytes of one value of a kind.
const fn width(kind: u16) -> usize {
    match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16..=18 => 8,
        _ => 0,
    }
}

/// The file from an offset on.
pub(super) fn at(file: &[u8], offset: u64) -> Result<&[u8], Rejection> {
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    let rest = file.get(offset..);
    rest.ok_or_else(|| reject::corrupt("a tiff that leads out of its file"))
}

struct Reader<'a> {
    bytes: Bytes<'a>,
    little: bool,
    big: bool,
}

impl Reader<'_> {
    fn u16(&mut self) -> Result<u16, Rejection> {
        if self.little {
            self.bytes.u16_le()
        } else {
            self.bytes.u16_be()
        }
    }

    /// A count or an offset, in the width that the file has.
    fn word(&mut self) -> Result<u64, Rejection> {
        match (self.little, self.big) {
            (true, false) => self.bytes.u32_le().map(u64::from),
            (false, false) => self.bytes.u32_be().map(u64::from),
            (true, true) => {
                let (low, high) = (self.bytes.u32_le()?, self.bytes.u32_le()?);
                Ok(u64::from(high) << 32 | u64::from(low))
            }
            (false, true) => self.bytes.u64_be(),
        }
    }
}
