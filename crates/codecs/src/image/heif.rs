//! HEIF (ISO/IEC 23008-12): AVIF with pictures of AV1, HEIC with pictures of HEVC.
//!
//! The container is read here, in safe code; only bitstreams are handed to a library. What is shown is the primary item,
//! or the track of an animated AVIF: thumbnails, depth maps and what else lies in the file are left alone, and so are gain maps
//! ([`gain_map`]) unless they are asked for.
//! A picture is turned, mirrored and cropped as its properties say, in this order: cropped, turned, mirrored (ISO/IEC
//! 23000-22 §7.3.6.7). EXIF's orientation says the same again and does not count.

mod av1;
mod boxes;
mod canvas;
mod codec;
mod gain_map;
mod hevc;
mod meta;
mod picture;
mod property;
mod samples;
mod track;

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use media::Rejection;
use media::formats::ImageFormat;
use serde::{Deserialize, Serialize};

use super::ImageError;
use super::ImageLimits;
use super::bytes::Bytes;
use super::extent::Extent;
use super::header::Header;
use super::jpeg;
use super::orient::Orientation;
use super::profile::Embedded;
use super::raster::{Layout, Raster};
use super::reject;

pub(super) use self::gain_map::{GainMap, find as gain_map};
pub(super) use self::track::Frames;

use self::codec::Codec;
use self::meta::Meta;
use self::picture::Picture;
use self::property::Code;
use self::track::Tracks;

/// Brands of files that are pictures (ISO/IEC 23008-12 §10, AV1-AVIF §6).
const BRANDS: [&[u8; 4]; 14] = [
    b"avif", b"avis", b"avio", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm",
    b"hevs", b"mif1", b"mif2", b"msf1",
];

/// What is in the first box of a kind of any file of boxes.
pub(super) fn top_box(file: &[u8], kind: [u8; 4]) -> Option<&[u8]> {
    let found = boxes::find(Bytes::new(file), kind).ok()?;
    found.map(|body| body.rest())
}

/// Whether the first bytes are of such a file.
pub(super) fn is_heif(bytes: &[u8]) -> bool {
    const MAX_BRANDS: usize = 64;
    if bytes.get(4..8) != Some(b"ftyp") {
        return false;
    }
    let brands = bytes.get(8..).unwrap_or_default();
    let length = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
    let brands = &brands[..brands.len().min(length.saturating_sub(8))];
    let mut brands = brands.as_chunks::<4>().0.iter().take(MAX_BRANDS);
    brands.any(|brand| BRANDS.contains(&brand))
}

/// What ffmpeg is to decode: a file's colours, its transparency, or its gain map.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Bitstream {
    /// Bytes of all its samples.
    pub(crate) decoded_bytes: u64,
}

/// Whether a file may be one with HEVC, by its first bytes. Its position stays.
pub(crate) fn may_hold_hevc(file: &File) -> io::Result<bool> {
    let mut start = [0; 512];
    let read = file.read_at(&mut start, 0)?;
    Ok(is_heif(&start[..read]))
}

/// Hands the HEVC of a file to `write`: that of its colours, that of its transparency if there is any, and that of its gain
/// map if it is wanted and there is any.
pub(crate) fn split_hevc(
    file: &[u8],
    limits: &ImageLimits,
    with_gain_map: bool,
    mut write: impl FnMut(usize, &[u8]) -> io::Result<()>,
) -> Result<Vec<Bitstream>, ImageError> {
    let streams = match Shown::find(file, limits)? {
        Shown::Item(picture, alpha) => {
            let map = with_gain_map.then(|| gain_map::of(file, limits, &picture, alpha.as_ref()));
            let map = map.flatten();
            let alpha = alpha.as_ref().map(|alpha| &alpha.picture);
            let pictures = std::iter::once(&*picture).chain(alpha);
            let pictures = pictures.chain(map.as_ref().map(|map| &map.picture));
            let streams =
                pictures.map(|picture| picture.setup().bitstream(&picture.tiles(), limits));
            streams.collect::<Result<Vec<_>, _>>()?
        }
        Shown::Tracks(tracks) => {
            let (first, alpha) = tracks.first();
            let pictures = std::iter::once((&tracks.picture, first)).chain(alpha);
            let streams =
                pictures.map(|(picture, bytes)| picture.setup().bitstream(&[bytes], limits));
            streams.collect::<Result<Vec<_>, _>>()?
        }
    };
    let mut split = Vec::new();
    for (index, (bytes, stream)) in streams.into_iter().flatten().enumerate() {
        write(index, &bytes)?;
        split.push(stream);
    }
    Ok(split)
}

/// The bytes of the first item of a kind, which has nothing to do with the picture's pixels.
pub(super) fn item(file: &[u8], kind: [u8; 4]) -> Option<Cow<'_, [u8]>> {
    let meta = boxes::find(Bytes::new(file), *b"meta").ok()??;
    let meta = Meta::read(meta).ok()?;
    let item = meta.of_kind(kind).next()?;
    meta.bytes(file, item).ok()
}

/// Why a file is refused whose HEVC ffmpeg cannot decode.
pub(crate) fn broken_hevc() -> Rejection {
    hevc::broken()
}

/// What is shown of a file.
enum Shown<'a> {
    Item(Box<Picture<'a>>, Option<Alpha<'a>>),
    Tracks(Tracks<'a>),
}

/// The picture that says how visible another is.
struct Alpha<'a> {
    picture: Picture<'a>,
    /// Whether the other's colours were multiplied with it.
    premultiplied: bool,
}

impl<'a> Shown<'a> {
    fn find(file: &'a [u8], limits: &ImageLimits) -> Result<Self, Rejection> {
        let top = Bytes::new(file);
        let animated = file.get(8..12) == Some(b"avis");
        let meta = boxes::find(top.clone(), *b"meta");
        // What stands behind the picture may be cut.
        let meta = meta.ok().flatten().map(Meta::read).transpose()?;
        let primary = meta.as_ref().and_then(|meta| meta.primary);
        match (primary, meta) {
            (Some(primary), Some(meta)) if !animated => {
                let picture = Picture::find(&meta, file, primary, limits)?;
                let alpha = alpha(&meta, file, primary, limits)?;
                let other = alpha
                    .as_ref()
                    .is_some_and(|alpha| alpha.picture.codec != picture.codec);
                if other {
                    return Err(reject::unsupported(
                        "heif with transparency of another codec",
                    ));
                }
                Ok(Self::Item(Box::new(picture), alpha))
            }
            _ => {
                let movie = boxes::need(top, *b"moov")?;
                Ok(Self::Tracks(Tracks::read(movie, file, limits)?))
            }
        }
    }
}

/// The picture that says how visible a picture is, if there is one.
fn alpha<'a>(
    meta: &Meta<'a>,
    file: &'a [u8],
    primary: u32,
    limits: &ImageLimits,
) -> Result<Option<Alpha<'a>>, Rejection> {
    for id in meta.from(*b"auxl", primary) {
        let item = meta.item(id)?;
        let Ok(properties) = meta.properties(item) else {
            continue;
        };
        if properties
            .iter()
            .any(|property| picture::is_alpha(property))
        {
            return Ok(Some(Alpha {
                picture: Picture::find(meta, file, id, limits)?,
                premultiplied: meta.to(*b"prem", primary).any(|alpha| alpha == id),
            }));
        }
    }
    Ok(None)
}

pub(super) fn read(file: &[u8], limits: &ImageLimits) -> Result<Header, Rejection> {
    let shown = Shown::find(file, limits)?;
    let (picture, has_alpha, frames, plays) = match &shown {
        Shown::Item(picture, alpha) => (picture.as_ref(), alpha.is_some(), 1, 1),
        Shown::Tracks(tracks) => (
            &tracks.picture,
            tracks.has_alpha(),
            tracks.frames(),
            tracks.plays,
        ),
    };
    let part = picture.part();
    Ok(Header {
        format: match picture.codec {
            Codec::Av1 => ImageFormat::Avif,
            Codec::Hevc => ImageFormat::Heic,
        },
        width: part.width,
        height: part.height,
        orientation: picture.orientation,
        layout: match (picture.is_grey, has_alpha) {
            (true, true) => Layout::GrayAlpha,
            (true, false) => Layout::Gray,
            (false, true) => Layout::Rgba,
            (false, false) => Layout::Rgb,
        },
        jpeg: jpeg::Traits::default(),
        has_alpha,
        is_lossy: picture.setup().has_half_colors(),
        bit_depth: picture.bits,
        frames,
        plays,
        color: picture.color(),
    })
}

/// The still picture, or the first of a sequence.
pub(super) fn decode(
    file: &[u8],
    decoded: &[&[u8]],
    header: Header,
    limits: &ImageLimits,
) -> Result<(Raster, Extent), ImageError> {
    match Shown::find(file, limits)? {
        Shown::Item(picture, alpha) => {
            let stream = |index: usize| decoded.get(index).copied().unwrap_or_default();
            let mut raster = picture.decode(header.color, stream(0))?;
            if let Some(alpha) = alpha {
                let seen = alpha.picture.decode_alpha(stream(1))?;
                raster = canvas::with_alpha(raster, seen, alpha.premultiplied)?;
            }
            Ok((canvas::cropped(raster, picture.part())?, Extent::Whole))
        }
        Shown::Tracks(tracks) => {
            let mut frames = Frames::of(tracks, header.color, decoded);
            let first = frames.raster()?;
            let (first, _) = first.ok_or_else(|| reject::corrupt("a heif without a picture"))?;
            Ok((first, Extent::Whole))
        }
    }
}

/// What code points mean for the colours, if they say anything. What they leave open is as in sRGB.
fn color(code: Option<Code>, brightest: Option<f32>) -> Embedded {
    const UNSPECIFIED: u8 = 2;
    const SRGB: (u8, u8) = (1, 13);
    let Some(code) =
        code.filter(|code| (code.primaries, code.transfer) != (UNSPECIFIED, UNSPECIFIED))
    else {
        return Embedded::Nothing;
    };
    let said = |value: u8, default: u8| if value == UNSPECIFIED { default } else { value };
    let (primaries, transfer) = (said(code.primaries, SRGB.0), said(code.transfer, SRGB.1));
    Embedded::of_code_points(primaries, transfer, brightest).unwrap_or(Embedded::Nothing)
}

/// How a picture is shown that is to be turned anticlockwise so many quarters, then perhaps mirrored.
fn orientation(turn: u8, mirror: Option<u8>) -> Orientation {
    let values = match turn & 3 {
        0 => [1, 4, 2],
        1 => [8, 5, 7],
        2 => [3, 2, 4],
        _ => [6, 7, 5],
    };
    let value = match mirror {
        None => values[0],
        Some(0) => values[1],
        Some(_) => values[2],
    };
    Orientation::new(value).unwrap_or_default()
}
