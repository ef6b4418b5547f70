//! Animated AVIF, and sequences of HEIC: tracks of pictures (ISO/IEC 14496-12 §8, AV1-AVIF §3).

mod frames;
mod table;

pub(in crate::image) use self::frames::Frames;

use media::Rejection;

use self::table::{Sample, samples};
use super::boxes;
use super::canvas;
use super::codec::Setup;
use super::picture::{self, Picture};
use super::property::Property;
use crate::image::bytes::Bytes;
use crate::image::{ImageLimits, reject};

/// Fields of a picture's description before its boxes (ISO/IEC 14496-12 §12.1.3).
const VISUAL_FIELDS: usize = 78;

/// The tracks that are shown.
pub(super) struct Tracks<'a> {
    pub(super) picture: Picture<'a>,
    samples: Vec<Sample<'a>>,
    /// Frames in all; more than there are samples here if there are too many to be shown.
    count: u32,
    alpha: Option<(Picture<'a>, Vec<Sample<'a>>)>,
    premultiplied: bool,
    /// How often the animation is played; 0 for ever.
    pub(super) plays: u32,
}

/// One track as it is stored.
struct Track<'a> {
    id: u32,
    handler: [u8; 4],
    /// The track that it is the alpha channel of, and the one whose colours were multiplied with it.
    alpha_of: Option<u32>,
    premultiplied_by: Option<u32>,
    picture: Picture<'a>,
    samples: Vec<Sample<'a>>,
    count: u32,
    plays: u32,
    is_alpha: bool,
}

impl<'a> Tracks<'a> {
    /// Of the body of a box `moov`.
    pub(super) fn read(
        mut movie: Bytes<'a>,
        file: &'a [u8],
        limits: &ImageLimits,
    ) -> Result<Self, Rejection> {
        let mut tracks = Vec::new();
        while let Some(found) = boxes::next(&mut movie)? {
            if &found.kind == b"trak"
                && let Some(track) = Track::read(found.body, file, limits)?
            {
                tracks.push(track);
            }
        }
        let shown = tracks
            .iter()
            .position(|track| &track.handler == b"pict" && !track.is_alpha);
        let shown = shown.ok_or_else(|| reject::corrupt("a heif without a picture"))?;
        let shown = tracks.swap_remove(shown);
        let alpha = tracks
            .into_iter()
            .find(|track| track.is_alpha && track.alpha_of == Some(shown.id));
        let premultiplied = alpha
            .as_ref()
            .is_some_and(|alpha| shown.premultiplied_by == Some(alpha.id));
        Ok(Self {
            picture: shown.picture,
            samples: shown.samples,
            count: shown.count,
            alpha: alpha.map(|track| (track.picture, track.samples)),
            premultiplied,
            plays: shown.plays,
        })
    }

    /// The bitstream of the first picture, and that of its alpha channel.
    pub(super) fn first(&self) -> (&'a [u8], Option<(&Picture<'a>, &'a [u8])>) {
        let first = |samples: &[Sample<'a>]| samples.first().map_or(&[][..], |first| first.bytes);
        let alpha = self.alpha.as_ref();
        let alpha = alpha.map(|(picture, samples)| (picture, first(samples)));
        (first(&self.samples), alpha)
    }

    pub(super) fn has_alpha(&self) -> bool {
        self.alpha.is_some()
    }

    pub(super) fn frames(&self) -> u32 {
        self.count
    }
}

impl<'a> Track<'a> {
    /// Nothing for a track that holds no pictures.
    fn read(
        track: Bytes<'a>,
        file: &'a [u8],
        limits: &ImageLimits,
    ) -> Result<Option<Self>, Rejection> {
        let mut header = boxes::need(track.clone(), *b"tkhd")?;
        let (version, _) = boxes::version(&mut header)?;
        header.skip(if version == 1 { 16 } else { 8 })?; // times
        let id = header.u32_be()?;
        header.skip(4)?;
        let length = time(&mut header, version)?;
        let media = boxes::need(track.clone(), *b"mdia")?;
        let mut handler = boxes::need(media.clone(), *b"hdlr")?;
        handler.skip(8)?;
        let handler = handler.fourcc()?;
        if !matches!(&handler, b"pict" | b"auxv") {
            return Ok(None);
        }
        let mut header = boxes::need(media.clone(), *b"mdhd")?;
        let (version, _) = boxes::version(&mut header)?;
        header.skip(if version == 1 { 16 } else { 8 })?;
        let scale = header.u32_be()?.max(1);
        let information = boxes::need(media, *b"minf")?;
        let table = boxes::need(information, *b"stbl")?;
        let mut descriptions = boxes::need(table.clone(), *b"stsd")?;
        boxes::version(&mut descriptions)?;
        descriptions.u32_be()?;
        let described = boxes::next(&mut descriptions)?;
        let described = described.ok_or_else(|| reject::corrupt("a track without a codec"))?;
        let (picture, is_alpha) = describe(described, limits)?;
        let (samples, count) = samples(&table, file, scale, limits)?;
        let reference = |kind: [u8; 4]| -> Result<Option<u32>, Rejection> {
            let Some(references) = boxes::find(track.clone(), *b"tref")? else {
                return Ok(None);
            };
            let found = boxes::find(references, kind)?;
            found.map(|mut found| found.u32_be()).transpose()
        };
        Ok(Some(Self {
            id,
            handler,
            alpha_of: reference(*b"auxl")?,
            premultiplied_by: reference(*b"prem")?,
            picture,
            samples,
            count,
            plays: plays(track, length)?,
            is_alpha,
        }))
    }
}

/// The picture that a sample entry describes, and whether it is an alpha channel.
fn describe<'a>(
    entry: boxes::Box<'a>,
    limits: &ImageLimits,
) -> Result<(Picture<'a>, bool), Rejection> {
    let mut body = entry.body;
    let mut fields = Bytes::new(body.take(VISUAL_FIELDS)?);
    fields.skip(24)?;
    let size = (fields.u16_be()?.into(), fields.u16_be()?.into());
    limits.check_size(size.0, size.1)?;
    let mut properties = Vec::new();
    while let Some(mut found) = boxes::next(&mut body)? {
        if &found.kind == b"auxi" {
            found.kind = *b"auxC";
        }
        properties.push(Property::read(found)?);
    }
    let properties: Vec<_> = properties.iter().collect();
    let setup = Setup::find(entry.kind, &properties)?;
    let is_alpha = properties
        .iter()
        .any(|property| picture::is_alpha(property));
    let picture = Picture::new(setup, Vec::new(), 1, size, size, &properties);
    Ok((picture, is_alpha))
}

/// A time in the width that the version has.
fn time(bytes: &mut Bytes, version: u8) -> Result<u64, Rejection> {
    if version == 1 {
        return bytes.u64_be();
    }
    let time = bytes.u32_be()?;
    Ok(if time == u32::MAX {
        u64::MAX
    } else {
        time.into()
    })
}

/// How often the track is played, 0 for ever: so often as its one edit fits into its length.
fn plays(track: Bytes, length: u64) -> Result<u32, Rejection> {
    const REPEATED: u32 = 1;
    let Some(edits) = boxes::find(track, *b"edts")? else {
        return Ok(0);
    };
    let Some(mut list) = boxes::find(edits, *b"elst")? else {
        return Ok(0);
    };
    let (version, flags) = boxes::version(&mut list)?;
    if list.u32_be()? != 1 || flags & REPEATED == 0 {
        return Ok(1);
    }
    let segment = time(&mut list, version)?;
    if length == u64::MAX || segment == 0 {
        return Ok(0);
    }
    Ok(u32::try_from(length.div_ceil(segment)).unwrap_or(0))
}
