//! What a HEIF file says of its pictures (ISO/IEC 23008-12 §6.5).

use media::Rejection;

use super::boxes;
use crate::image::bytes::Bytes;

/// A property of a picture.
#[derive(Clone)]
pub(super) enum Property<'a> {
    /// Width and height in pixels.
    Size(u32, u32),
    /// To be turned anticlockwise, in quarters.
    Turn(u8),
    /// To be mirrored: top and bottom change places (0), or left and right (1).
    Mirror(u8),
    /// A part of it is the picture.
    Crop(Crop),
    /// Code points of ITU-T H.273.
    Code(Code),
    /// An ICC profile.
    Icc(&'a [u8]),
    /// Light of the brightest pixel in cd/m2.
    Brightest(f32),
    /// Light of the screen that it was made at, in cd/m2.
    Screen(f32),
    /// What it is to another picture.
    Auxiliary(&'a [u8]),
    /// How the AV1 decoder is to be set up (AV1-ISOBMFF §2.3).
    Av1(&'a [u8]),
    /// How the HEVC decoder is to be set up (ISO/IEC 14496-15 §8.3.3).
    Hevc(&'a [u8]),
    /// Something that does not change how the picture looks.
    Other,
    /// Something else.
    Unknown([u8; 4]),
}

/// Code points of ITU-T H.273: what samples mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) primaries: u8,
    pub(super) transfer: u8,
    pub(super) matrix: u8,
    pub(super) full_range: bool,
}

impl Default for Code {
    /// Nothing is said; samples are of limited range.
    fn default() -> Self {
        const UNSPECIFIED: u8 = 2;
        Self {
            primaries: UNSPECIFIED,
            transfer: UNSPECIFIED,
            matrix: UNSPECIFIED,
            full_range: false,
        }
    }
}

/// The part that is shown: its size, and how far its centre is from the middle, as fractions.
#[derive(Clone, Copy)]
pub(super) struct Crop {
    width: Fraction,
    height: Fraction,
    right: Fraction,
    down: Fraction,
}

#[derive(Clone, Copy)]
struct Fraction {
    above: i64,
    below: i64,
}

/// All properties of a box `ipco`, in order.
pub(super) fn all(mut bytes: Bytes) -> Result<Vec<Property>, Rejection> {
    let mut properties = Vec::new();
    while let Some(found) = boxes::next(&mut bytes)? {
        properties.push(Property::read(found)?);
    }
    Ok(properties)
}

impl<'a> Property<'a> {
    pub(super) fn read(found: boxes::Box<'a>) -> Result<Self, Rejection> {
        let mut body = found.body;
        Ok(match &found.kind {
            b"ispe" => {
                boxes::version(&mut body)?;
                Self::Size(body.u32_be()?, body.u32_be()?)
            }
            b"irot" => Self::Turn(body.u8()? & 3),
            b"imir" => Self::Mirror(body.u8()? & 1),
            b"clap" => Self::Crop(Crop {
                width: Fraction::read(&mut body)?,
                height: Fraction::read(&mut body)?,
                right: Fraction::read(&mut body)?,
                down: Fraction::read(&mut body)?,
            }),
            b"colr" => Self::color(&mut body)?,
            b"auxC" => {
                boxes::version(&mut body)?;
                let rest = body.rest();
                Self::Auxiliary(rest.split(|&byte| byte == 0).next().unwrap_or_default())
            }
            b"av1C" => Self::Av1(body.rest()),
            b"hvcC" => Self::Hevc(body.rest()),
            b"clli" => Self::Brightest(body.u16_be()?.into()),
            b"mdcv" => {
                body.skip(16)?; // its primaries and white
                // In ten thousandths.
                let light = u16::try_from(body.u32_be()? / 10_000);
                Self::Screen(light.unwrap_or(u16::MAX).into())
            }
            // Bits, shape of a pixel, other light levels, layers of which all are decoded, and what editors say.
            b"pixi" | b"pasp" | b"cclv" | b"amve" | b"a1op" | b"lsel" | b"a1lx" | b"udes"
            | b"rloc" | b"altt" | b"free" | b"subs" | b"ndwt" | b"reve" => Self::Other,
            kind => Self::Unknown(*kind),
        })
    }

    fn color(body: &mut Bytes<'a>) -> Result<Self, Rejection> {
        Ok(match &body.fourcc()? {
            b"nclx" => {
                let low = |value: u16| u8::try_from(value).unwrap_or(u8::MAX);
                Self::Code(Code {
                    primaries: low(body.u16_be()?),
                    transfer: low(body.u16_be()?),
                    matrix: low(body.u16_be()?),
                    full_range: body.u8()? >> 7 == 1,
                })
            }
            b"rICC" | b"prof" => Self::Icc(body.rest()),
            _ => Self::Other,
        })
    }
}

impl Fraction {
    fn read(bytes: &mut Bytes) -> Result<Self, Rejection> {
        let above = bytes.u32_be()?.cast_signed().into();
        let below = bytes.u32_be()?.cast_signed().into();
        Ok(Self { above, below })
    }
}

/// A part of a picture: from the left and from the top, width and height, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Crop {
    /// The part of a picture of that size. Nothing if it is not a part of it, or not of whole pixels: the picture is then
    /// shown whole, as by other readers.
    pub(super) fn of(self, width: u32, height: u32) -> Option<Part> {
        let along = |side: u32, length: Fraction, offset: Fraction| {
            if length.below <= 0 || offset.below <= 0 || length.above % length.below != 0 {
                return None;
            }
            let length = length.above / length.below;
            // The centre is (side - 1) / 2 + offset; the part begins (length - 1) / 2 before it.
            let twice = (i64::from(side) - length) * offset.below + 2 * offset.above;
            let exact = twice % (2 * offset.below) == 0;
            let start = u32::try_from(twice / (2 * offset.below)).ok()?;
            let length = u32::try_from(length).ok().filter(|&length| length > 0)?;
            (exact && start.checked_add(length)? <= side).then_some((start, length))
        };
        let (left, across) = along(width, self.width, self.right)?;
        let (top, down) = along(height, self.height, self.down)?;
        Some(Part {
            left,
            top,
            width: across,
            height: down,
        })
    }
}
