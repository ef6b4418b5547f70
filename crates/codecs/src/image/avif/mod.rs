//! AVIF out of sRGB pixels. What is made here is what an encoder of AV1 takes, and a file of what it gives; between the
//! two stands ffmpeg, in a child of its own.

mod container;
mod samples;

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::encode::Graphic;
use super::plan::Target;
use super::raster::Raster;
use super::{ImageError, RenderPlan, Rendered, RenderedImage, encode, reject, resize};

/// Pixels of the largest picture that keeps all its colours: an encoder takes 32 bytes for each pixel then, and 16 with
/// a colour for each two by two.
const MOST_FOR_ALL_COLORS: u64 = 25_000_000;

/// Qualities that are not worth going below where a picture is drawn: at these it costs next to nothing more.
const OF_TINY: u8 = 100;
const OF_DRAWN: u8 = 90;

/// How many of the colours are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Colors {
    /// One for each two by two pixels.
    Quarter,
    /// All.
    All,
}

/// A picture as an encoder takes it: 8 bits a sample, each plane without padding. Its colours are in one file, behind
/// those of the pictures before it, and its transparency in another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sampled {
    /// The output's name in the plan.
    pub(crate) name: String,
    /// Pixels.
    pub(crate) width: u32,
    /// Pixels.
    pub(crate) height: u32,
    pub(crate) colors: Colors,
    pub(crate) has_alpha: bool,
    /// 0 to 100.
    pub(crate) quality: u8,
}

impl Sampled {
    /// Bytes of its colours.
    pub(crate) fn color_bytes(&self) -> u64 {
        let bytes = |width: u32, height: u32| u64::from(width) * u64::from(height);
        let of_chroma = match self.colors {
            Colors::Quarter => bytes(self.width.div_ceil(2), self.height.div_ceil(2)),
            Colors::All => bytes(self.width, self.height),
        };
        bytes(self.width, self.height) + 2 * of_chroma
    }

    /// Bytes of its transparency.
    pub(crate) fn alpha_bytes(&self) -> u64 {
        if self.has_alpha {
            u64::from(self.width) * u64::from(self.height)
        } else {
            0
        }
    }
}

/// Takes the pictures of `plan` apart, widest first, each made from the one before, and writes their samples.
pub(super) fn sample(
    mut picture: Raster,
    is_photo: bool,
    plan: &RenderPlan,
    targets: &[Target],
    (mut colors, mut alpha): (impl Write, impl Write),
) -> Result<Vec<Sampled>, ImageError> {
    let mut pictures = Vec::with_capacity(targets.len());
    for target in targets {
        picture = resize::to(picture, (target.width, target.height))?;
        let output = &plan.outputs[target.index];
        let drawn = encode::judge(&picture);
        let pixels = u64::from(target.width) * u64::from(target.height);
        let (least, wanted) = match drawn {
            Graphic::Tiny => (OF_TINY, Colors::All),
            Graphic::Flat if !is_photo => (OF_DRAWN, Colors::All),
            Graphic::Flat | Graphic::No => (0, Colors::Quarter),
        };
        let sampled = Sampled {
            name: output.name.clone(),
            width: target.width,
            height: target.height,
            colors: if pixels > MOST_FOR_ALL_COLORS {
                Colors::Quarter
            } else {
                wanted
            },
            has_alpha: samples::has_alpha(&picture),
            quality: output.quality.max(least),
        };
        samples::write_colors(&picture, sampled.colors, &mut colors)?;
        if sampled.has_alpha {
            samples::write_alpha(&picture, &mut alpha)?;
        }
        pictures.push(sampled);
    }
    colors.flush()?;
    alpha.flush()?;
    Ok(pictures)
}

/// The files of `pictures`, each of what the encoder made of its colours and, where it has some, its transparency, in
/// this order. `rights` is a packet of XMP, or empty.
pub(crate) fn assemble(
    pictures: &[Sampled],
    streams: &[&[u8]],
    rights: &[u8],
    mut write: impl FnMut(usize, &[u8]) -> io::Result<()>,
) -> Result<Rendered, ImageError> {
    let mut streams = streams.iter().copied();
    let mut next = || {
        let stream = streams.next().and_then(container::Stream::new);
        stream.ok_or_else(|| reject::corrupt("no AV1 came out of the encoder"))
    };
    let mut made = Vec::with_capacity(pictures.len());
    for (index, picture) in pictures.iter().enumerate() {
        let colors = next()?;
        let alpha = if picture.has_alpha {
            Some(next()?)
        } else {
            None
        };
        let rights = Some(rights).filter(|packet| !packet.is_empty());
        let file = container::write(picture, &colors, alpha.as_ref(), rights);
        write(index, &file)?;
        made.push(RenderedImage {
            name: picture.name.clone(),
            width: picture.width,
            height: picture.height,
            size_bytes: file.len() as u64,
        });
    }
    Ok(Rendered {
        pictures: made,
        ..Rendered::default()
    })
}
