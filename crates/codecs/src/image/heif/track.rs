//! Animated AVIF, and sequences of HEIC: tracks of pictures (ISO/IEC 14496-12 §8, AV1-AVIF §3).

use media::Rejection;

use super::boxes;
use super::canvas;
use super::codec::{Decoder, Setup};
use super::picture::{self, Picture};
use super::property::Property;
use crate::image::bytes::Bytes;
use crate::image::canvas::{Disposal, Part};
use crate::image::profile::Embedded;
use crate::image::raster::Raster;
use crate::image::{ImageError, ImageLimits, color, reject};

/// Fields of a picture's description before its boxes (ISO/IEC 14496-12 §12.1.3).
const VISUAL_FIELDS: usize = 78;

/// The tracks that are shown.
pub(super) struct Tracks<'a> {
    pub(super) picture: Picture<'a>,
    samples: Vec<Sample<'a>>,
    /// Frames in all; more than there are samples here if there are too many to be shown.
    count: u32,
    pub(super) alpha: Option<(Picture<'a>, Vec<Sample<'a>>)>,
    premultiplied: bool,
    /// How often the animation is played; 0 for ever.
    pub(super) plays: u32,
}

/// A frame's bytes.
#[derive(Clone, Copy)]
pub(super) struct Sample<'a> {
    bytes: &'a [u8],
    milliseconds: u32,
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

/// The frames that can be shown, and how many there are in all.
fn samples<'a>(
    table: &Bytes<'a>,
    file: &'a [u8],
    scale: u32,
    limits: &ImageLimits,
) -> Result<(Vec<Sample<'a>>, u32), Rejection> {
    let mut sizes = boxes::need(table.clone(), *b"stsz")?;
    boxes::version(&mut sizes)?;
    let (same, count) = (sizes.u32_be()?, sizes.u32_be()?);
    // Of an animation that has too many, the first is shown.
    let wanted = count.min(limits.max_frames.saturating_add(1));
    let mut times = boxes::need(table.clone(), *b"stts")?;
    boxes::version(&mut times)?;
    times.u32_be()?;
    let mut places = Places::read(table)?;
    let mut samples = Vec::new();
    let mut run = (0, 0);
    for _ in 0..wanted {
        let size = if same == 0 { sizes.u32_be()? } else { same };
        while run.0 == 0 {
            run = (times.u32_be()?, times.u32_be()?);
        }
        run.0 -= 1;
        let start = usize::try_from(places.next(size)?).unwrap_or(usize::MAX);
        let bytes = file
            .get(start..)
            .and_then(|rest| rest.get(..size as usize))
            .ok_or_else(|| reject::corrupt("the file ends within the picture"));
        let milliseconds = u64::from(run.1) * 1000 / u64::from(scale);
        match bytes {
            Ok(bytes) => samples.push(Sample {
                bytes,
                milliseconds: u32::try_from(milliseconds).unwrap_or(u32::MAX),
            }),
            Err(rejection) if samples.is_empty() => return Err(rejection),
            // An animation ends where it cannot be read any further.
            Err(_) => break,
        }
    }
    if samples.is_empty() {
        return Err(reject::corrupt("a heif without a picture"));
    }
    Ok((samples, count))
}

/// Where samples lie: in chunks, each of so many.
struct Places<'a> {
    runs: Bytes<'a>,
    /// Samples of a chunk in this run, and the chunk with which the next begins.
    per_chunk: u32,
    until: u32,
    upcoming: u32,
    starts: Bytes<'a>,
    wide: bool,
    chunk: u32,
    left: u32,
    at: u64,
}

impl<'a> Places<'a> {
    fn read(table: &Bytes<'a>) -> Result<Self, Rejection> {
        let mut runs = boxes::need(table.clone(), *b"stsc")?;
        boxes::version(&mut runs)?;
        runs.u32_be()?;
        let short = boxes::find(table.clone(), *b"stco")?;
        let wide = short.is_none();
        let mut starts = match short {
            Some(starts) => starts,
            None => boxes::need(table.clone(), *b"co64")?,
        };
        boxes::version(&mut starts)?;
        starts.u32_be()?;
        let mut places = Self {
            runs,
            per_chunk: 0,
            until: 1,
            upcoming: 0,
            starts,
            wide,
            chunk: 0,
            left: 0,
            at: 0,
        };
        places.runs.u32_be()?; // the first run begins with the first chunk
        places.upcoming = places.run()?;
        Ok(places)
    }

    /// Samples of a chunk in the next run, and where the run behind it begins.
    fn run(&mut self) -> Result<u32, Rejection> {
        let per_chunk = self.runs.u32_be()?;
        self.runs.u32_be()?; // description
        self.until = if self.runs.is_empty() {
            u32::MAX
        } else {
            self.runs.u32_be()?
        };
        Ok(per_chunk)
    }

    /// Where the next sample begins, which is of so many bytes.
    fn next(&mut self, size: u32) -> Result<u64, Rejection> {
        while self.left == 0 {
            self.chunk += 1;
            if self.per_chunk == 0 {
                self.per_chunk = self.upcoming;
            } else if self.chunk == self.until {
                self.per_chunk = self.run()?;
            }
            self.at = if self.wide {
                self.starts.u64_be()?
            } else {
                self.starts.u32_be()?.into()
            };
            self.left = self.per_chunk;
        }
        self.left -= 1;
        let start = self.at;
        self.at = self.at.saturating_add(size.into());
        Ok(start)
    }
}

/// The frames of a track, one after the other.
pub(in crate::image) struct Frames<'a> {
    tracks: Tracks<'a>,
    color: Embedded,
    decoder: Option<Decoder<'a>>,
    alpha_decoder: Option<Decoder<'a>>,
    index: usize,
}

impl<'a> Frames<'a> {
    /// Of the animation that a file is.
    pub(in crate::image) fn new(
        file: &'a [u8],
        limits: &ImageLimits,
        color: Embedded,
    ) -> Result<Self, ImageError> {
        let movie = boxes::need(Bytes::new(file), *b"moov")?;
        Ok(Self::of(Tracks::read(movie, file, limits)?, color))
    }

    pub(super) fn of(tracks: Tracks<'a>, color: Embedded) -> Self {
        Self {
            tracks,
            color,
            decoder: None,
            alpha_decoder: None,
            index: 0,
        }
    }

    /// The next frame. Nothing behind the last, or where it cannot be read any further.
    pub(in crate::image) fn next(&mut self) -> Result<Option<Part>, ImageError> {
        let first = self.index == 0;
        let (picture, milliseconds) = match self.raster() {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(None),
            Err(ImageError::Rejected(_)) if !first => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Part {
            left: 0,
            top: 0,
            width: picture.width,
            height: picture.height,
            pixels: color::to_rgba(picture),
            blend: false,
            disposal: Disposal::Keep,
            milliseconds,
        }))
    }

    /// The next frame and how long it is shown, in milliseconds.
    pub(super) fn raster(&mut self) -> Result<Option<(Raster, u32)>, ImageError> {
        let Tracks {
            picture,
            samples,
            alpha,
            premultiplied,
            ..
        } = &self.tracks;
        let Some(sample) = samples.get(self.index) else {
            return Ok(None);
        };
        let mut frame = painted(
            picture,
            &mut self.decoder,
            sample,
            self.color.clone(),
            false,
        )?;
        if let Some((picture, samples)) = alpha {
            let sample = samples.get(self.index);
            let sample = sample.ok_or_else(|| reject::corrupt("a frame without its alpha"))?;
            let decoder = &mut self.alpha_decoder;
            let alpha = painted(picture, decoder, sample, Embedded::Nothing, true)?;
            frame = canvas::with_alpha(frame, alpha, *premultiplied)?;
        }
        self.index += 1;
        let frame = canvas::cropped(frame, picture.part())?;
        Ok(Some((frame, sample.milliseconds)))
    }
}

fn painted<'a>(
    picture: &Picture<'a>,
    decoder: &mut Option<Decoder<'a>>,
    sample: &Sample,
    color: Embedded,
    is_alpha: bool,
) -> Result<Raster, ImageError> {
    let part = picture.part();
    let mut running = match decoder.take() {
        Some(decoder) => decoder,
        None => picture.setup().decoder((part.width, part.height))?,
    };
    let mut canvas = picture.canvas(color, is_alpha);
    running.decode(sample.bytes, |planes| {
        if planes.width < part.width || planes.height < part.height {
            return Err(reject::corrupt("a picture smaller than announced").into());
        }
        canvas.paint(planes, (0, 0), (planes.width, planes.height))
    })?;
    *decoder = Some(running);
    canvas.finish()
}
