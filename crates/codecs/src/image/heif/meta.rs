//! The items of a HEIF file and what is said of them (ISO/IEC 14496-12 §8.11, ISO/IEC 23008-12 §6 and §9).

use std::borrow::Cow;
use std::collections::BTreeMap;

use media::Rejection;

use super::boxes;
use super::property::{self, Property};
use crate::image::bytes::Bytes;
use crate::image::reject;

/// A picture, a part of one, or something else that is stored.
#[derive(Clone, Default)]
pub(super) struct Item {
    pub(super) kind: [u8; 4],
    /// Where its bytes are.
    extents: Vec<Extent>,
    /// Indices into the file's properties, from 1, and whether a reader that does not know one must stop.
    properties: Vec<(u16, bool)>,
}

/// Some of an item's bytes.
#[derive(Clone, Copy)]
struct Extent {
    /// In the file, or among the bytes that the items' box brings.
    in_file: bool,
    start: u64,
    /// Zero for all that follow.
    length: u64,
}

/// All that the file says of its items.
#[derive(Default)]
pub(super) struct Meta<'a> {
    pub(super) primary: Option<u32>,
    items: BTreeMap<u32, Item>,
    properties: Vec<Property<'a>>,
    references: Vec<Reference>,
    /// Bytes of items that are stored with what is said of them.
    data: &'a [u8],
}

/// That an item has to do with others.
struct Reference {
    kind: [u8; 4],
    from: u32,
    to: Vec<u32>,
}

impl<'a> Meta<'a> {
    /// Of the body of a box `meta`.
    pub(super) fn read(mut body: Bytes<'a>) -> Result<Self, Rejection> {
        boxes::version(&mut body)?;
        let mut meta = Self::default();
        while let Some(found) = boxes::next(&mut body)? {
            let mut body = found.body;
            match &found.kind {
                b"pitm" => {
                    let (version, _) = boxes::version(&mut body)?;
                    meta.primary = Some(id(&mut body, version > 0)?);
                }
                b"iinf" => meta.names(body)?,
                b"iloc" => meta.places(body)?,
                b"iref" => meta.references(body)?,
                b"iprp" => {
                    meta.properties = property::all(boxes::need(body.clone(), *b"ipco")?)?;
                    while let Some(found) = boxes::next(&mut body)? {
                        if &found.kind == b"ipma" {
                            meta.associations(found.body)?;
                        }
                    }
                }
                b"idat" => meta.data = body.rest(),
                _ => {}
            }
        }
        Ok(meta)
    }

    /// Which items there are.
    fn names(&mut self, mut body: Bytes) -> Result<(), Rejection> {
        let (version, _) = boxes::version(&mut body)?;
        if version == 0 {
            body.u16_be()?;
        } else {
            body.u32_be()?;
        }
        while let Some(entry) = boxes::next(&mut body)? {
            let mut entry = entry.body;
            let (version, _) = boxes::version(&mut entry)?;
            // Older versions have no kinds; no picture is stored in one.
            if version >= 2 {
                let id = id(&mut entry, version > 2)?;
                entry.u16_be()?; // protection, which no picture has
                self.items.entry(id).or_default().kind = entry.fourcc()?;
            }
        }
        Ok(())
    }

    /// Where the items' bytes are.
    fn places(&mut self, mut body: Bytes) -> Result<(), Rejection> {
        let (version, _) = boxes::version(&mut body)?;
        let widths = body.u16_be()?;
        let width = |shift: u16| usize::from(widths >> shift & 15);
        let (starts, lengths, bases) = (width(12), width(8), width(4));
        let indices = if version > 0 { width(0) } else { 0 };
        let count = if version < 2 {
            body.u16_be()?.into()
        } else {
            body.u32_be()?
        };
        for _ in 0..count {
            let id = id(&mut body, version > 1)?;
            let method = if version > 0 { body.u16_be()? & 15 } else { 0 };
            body.u16_be()?; // the file it is in, this one
            let base = number(&mut body, bases)?;
            let mut extents = Vec::new();
            for _ in 0..body.u16_be()? {
                number(&mut body, indices)?;
                let start = number(&mut body, starts)?.saturating_add(base);
                let length = number(&mut body, lengths)?;
                extents.push(Extent {
                    in_file: method == 0,
                    start,
                    length,
                });
                if starts + lengths + indices == 0 {
                    break; // all the same, and of no bytes
                }
            }
            // Bytes within other items are left alone: no picture's are there.
            if method < 2 {
                self.items.entry(id).or_default().extents = extents;
            }
        }
        Ok(())
    }

    fn references(&mut self, mut body: Bytes) -> Result<(), Rejection> {
        let (version, _) = boxes::version(&mut body)?;
        let wide = version > 0;
        while let Some(found) = boxes::next(&mut body)? {
            let mut body = found.body;
            let from = id(&mut body, wide)?;
            let count = body.u16_be()?;
            let to: Result<Vec<_>, _> = (0..count).map(|_| id(&mut body, wide)).collect();
            self.references.push(Reference {
                kind: found.kind,
                from,
                to: to?,
            });
        }
        Ok(())
    }

    /// Which properties the items have.
    fn associations(&mut self, mut body: Bytes) -> Result<(), Rejection> {
        let (version, flags) = boxes::version(&mut body)?;
        for _ in 0..body.u32_be()? {
            let id = id(&mut body, version > 0)?;
            for _ in 0..body.u8()? {
                let (index, essential) = if flags & 1 == 1 {
                    let entry = body.u16_be()?;
                    (entry & 0x7FFF, entry >> 15 == 1)
                } else {
                    let entry = body.u8()?;
                    (u16::from(entry & 0x7F), entry >> 7 == 1)
                };
                let item = self.items.entry(id).or_default();
                item.properties.push((index, essential));
            }
        }
        Ok(())
    }

    pub(super) fn item(&self, id: u32) -> Result<&Item, Rejection> {
        let item = self.items.get(&id);
        item.ok_or_else(|| reject::corrupt(format!("a file without its item {id}")))
    }

    /// The items of a kind.
    pub(super) fn of_kind(&self, kind: [u8; 4]) -> impl Iterator<Item = &Item> {
        self.items.values().filter(move |item| item.kind == kind)
    }

    /// The properties of an item in the order in which they apply. Refuses one that must be known and is not.
    pub(super) fn properties(&self, item: &Item) -> Result<Vec<&Property<'a>>, Rejection> {
        let mut properties = Vec::new();
        for &(index, essential) in &item.properties {
            let property = usize::from(index).checked_sub(1);
            match property.and_then(|index| self.properties.get(index)) {
                Some(Property::Unknown(kind)) if essential => {
                    let kind = String::from_utf8_lossy(kind).into_owned();
                    return Err(reject::unsupported(format!("heif with property {kind}")));
                }
                Some(property) => properties.push(property),
                None => {}
            }
        }
        Ok(properties)
    }

    /// The items that an item names, by the kind of reference, in order.
    pub(super) fn to(&self, kind: [u8; 4], from: u32) -> impl Iterator<Item = u32> {
        let named = self.references.iter();
        let named = named.filter(move |reference| reference.kind == kind && reference.from == from);
        named.flat_map(|reference| reference.to.iter().copied())
    }

    /// The items that name an item, by the kind of reference.
    pub(super) fn from(&self, kind: [u8; 4], to: u32) -> impl Iterator<Item = u32> {
        let naming = self.references.iter();
        let naming =
            naming.filter(move |reference| reference.kind == kind && reference.to.contains(&to));
        naming.map(|reference| reference.from)
    }

    /// All bytes of an item, which the file must have.
    pub(super) fn bytes(&self, file: &'a [u8], item: &Item) -> Result<Cow<'a, [u8]>, Rejection> {
        let mut all: Cow<'a, [u8]> = Cow::default();
        for extent in &item.extents {
            let source = if extent.in_file { file } else { self.data };
            let start = usize::try_from(extent.start).unwrap_or(usize::MAX);
            let there = source.get(start..).unwrap_or_default();
            let length = match usize::try_from(extent.length).unwrap_or(usize::MAX) {
                0 => there.len(),
                length => length,
            };
            let part = there.get(..length);
            let part = part.ok_or_else(|| reject::corrupt("the file ends within the picture"))?;
            // No more than the file has: parts may not be named again and again.
            if all.len() + part.len() > file.len() {
                return Err(reject::corrupt("an item larger than its file"));
            }
            if all.is_empty() {
                all = Cow::Borrowed(part);
            } else {
                all.to_mut().extend_from_slice(part);
            }
        }
        if all.is_empty() {
            return Err(reject::corrupt("an item without bytes"));
        }
        Ok(all)
    }
}

/// An item's number.
fn id(bytes: &mut Bytes, wide: bool) -> Result<u32, Rejection> {
    if wide {
        bytes.u32_be()
    } else {
        bytes.u16_be().map(u32::from)
    }
}

/// A number of 0, 4 or 8 bytes.
fn number(bytes: &mut Bytes, width: usize) -> Result<u64, Rejection> {
    match width {
        0 => Ok(0),
        4 => bytes.u32_be().map(u64::from),
        8 => bytes.u64_be(),
        _ => Err(reject::corrupt("a number of an odd width")),
    }
}
