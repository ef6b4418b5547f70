//! A gain map within a HEIF: another item, which a tone-mapped picture (`tmap`) is derived from together with the primary
//! one, or which is auxiliary to it, as telephones of Apple write it.

use super::meta::Meta;
use super::picture::{Picture, is_apples_gain_map};
use super::{Alpha, Shown, boxes};
use crate::image::ImageError;
use crate::image::ImageLimits;
use crate::image::bytes::Bytes;
use crate::image::gain_map::{Meaning, headroom, headroom_of_exif, headroom_of_packet};
use crate::image::profile::Embedded;
use crate::image::raster::Raster;

/// A map and what its samples mean.
pub(in crate::image) struct GainMap<'a> {
    pub(super) picture: Picture<'a>,
    /// Which of the file's bitstreams it is.
    stream: usize,
    pub(in crate::image) meaning: Meaning,
}

/// The map of the picture that is shown, if there is one that lies as that does.
pub(in crate::image) fn find<'a>(file: &'a [u8], limits: &ImageLimits) -> Option<GainMap<'a>> {
    match Shown::find(file, limits).ok()? {
        Shown::Item(picture, alpha) => of(file, limits, &picture, alpha.as_ref()),
        Shown::Tracks(_) => None,
    }
}

pub(super) fn of<'a>(
    file: &'a [u8],
    limits: &ImageLimits,
    base: &Picture<'a>,
    alpha: Option<&Alpha<'a>>,
) -> Option<GainMap<'a>> {
    let meta = boxes::find(Bytes::new(file), *b"meta").ok()??;
    let meta = Meta::read(meta).ok()?;
    let (id, meaning) = derived(&meta, file).or_else(|| auxiliary(&meta, file))?;
    let picture = Picture::find(&meta, file, id, limits).ok()?;
    picture.lies_as(base).then(|| GainMap {
        picture,
        stream: 1 + usize::from(alpha.is_some()),
        meaning,
    })
}

/// The map of a tone-mapped picture (ISO/IEC 23008-12 amendment 1).
fn derived(meta: &Meta, file: &[u8]) -> Option<(u32, Meaning)> {
    let primary = meta.primary?;
    let mut derived = meta.from(*b"dimg", primary);
    derived.find_map(|id| {
        let item = meta.item(id).ok().filter(|item| &item.kind == b"tmap")?;
        let sources: Vec<u32> = meta.to(*b"dimg", id).collect();
        let &[base, map] = sources.as_slice() else {
            return None;
        };
        let bytes = meta.bytes(file, item).ok()?;
        let (&version, bytes) = bytes.split_first()?;
        let metadata = crate::image::gain_map::Metadata::read(bytes)?;
        (version == 0 && base == primary).then_some((map, Meaning::Stops(metadata)))
    })
}

/// Apple's map. How much brighter the picture becomes stands in a packet about the map, or in the picture's maker's note.
fn auxiliary(meta: &Meta, file: &[u8]) -> Option<(u32, Meaning)> {
    let primary = meta.primary?;
    let mut auxiliary = meta.from(*b"auxl", primary);
    let map = auxiliary.find(|&id| {
        let properties = meta.item(id).and_then(|item| meta.properties(item));
        properties.is_ok_and(|found| found.iter().any(|property| is_apples_gain_map(property)))
    })?;
    let about = |id: u32, kind: [u8; 4]| {
        let mut items = meta.from(*b"cdsc", id).filter_map(|id| meta.item(id).ok());
        let item = items.find(|item| item.kind == kind)?;
        meta.bytes(file, item).ok()
    };
    let of_packet = || headroom_of_packet(&about(map, *b"mime")?);
    let of_exif = || {
        let item = about(primary, *b"Exif")?;
        // It begins with how many bytes there are before the structure.
        let (skip, rest) = item.split_first_chunk::<4>()?;
        headroom_of_exif(rest.get(u32::from_be_bytes(*skip) as usize..)?)
    };
    let said = of_packet().and_then(headroom).or_else(of_exif)?;
    Some((map, Meaning::Apple(said)))
}

impl GainMap<'_> {
    /// The map as it is stored. One of Apple's is of luma alone.
    pub(in crate::image) fn decode(&self, decoded: &[&[u8]]) -> Result<Raster, ImageError> {
        let planes = decoded.get(self.stream).copied().unwrap_or_default();
        let map = match self.meaning {
            Meaning::Stops(_) => self.picture.decode(Embedded::Srgb, planes)?,
            Meaning::Apple(_) => self.picture.decode_alpha(planes)?,
        };
        super::canvas::cropped(map, self.picture.part())
    }
}
