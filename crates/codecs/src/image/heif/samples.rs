//! From luma and colour differences, as film codecs have them, to red, green and blue (ITU-T H.273 §8.3).

use media::Rejection;

use super::property::Code;
use crate::image::reject;

/// How many samples of colour there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chroma {
    /// None: the picture is grey.
    None,
    /// One of each two by two pixels.
    Quarter,
    /// One of two pixels in a row.
    Half,
    /// One of each pixel.
    All,
}

/// Samples of one kind, in rows.
#[derive(Clone, Copy, Default)]
pub(super) struct Plane<'a> {
    pub(super) bytes: &'a [u8],
    /// Bytes from one row to the next.
    pub(super) stride: usize,
    /// 1, or 2 in the order of this machine.
    pub(super) bytes_of_sample: usize,
}

/// A picture as a decoder leaves it.
pub(super) struct Planes<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Of a sample, 8 to 16.
    pub(super) bits: u32,
    pub(super) chroma: Chroma,
    /// Luma, and the differences of blue and red if there are any.
    pub(super) samples: [Plane<'a>; 3],
    /// What the bitstream says its samples mean.
    pub(super) code: Code,
}

/// A sample of what comes out.
pub(super) trait Sample: Copy + Default {
    const TOP: f32;

    /// Of 0 to 1; more and less are cut off.
    fn of(value: f32) -> Self;
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast cuts off at both ends, as it should"
)]
impl Sample for u8 {
    const TOP: f32 = 255.0;

    fn of(value: f32) -> Self {
        (value * Self::TOP + 0.5) as Self
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast cuts off at both ends, as it should"
)]
impl Sample for u16 {
    const TOP: f32 = 65_535.0;

    fn of(value: f32) -> Self {
        (value * Self::TOP + 0.5) as Self
    }
}

/// What each of red, green and blue is made of: luma, and the differences of blue and red.
type Mix = [[f32; 3]; 3];

fn mix(code: Code) -> Result<Mix, Rejection> {
    // Of the weights of red and blue in luma.
    let weights = |red: f32, blue: f32| {
        let (of_blue, of_red) = (2.0 * (1.0 - blue), 2.0 * (1.0 - red));
        let green = 1.0 - red - blue;
        [
            [1.0, 0.0, of_red],
            [1.0, -blue * of_blue / green, -red * of_red / green],
            [1.0, of_blue, 0.0],
        ]
    };
    Ok(match code.matrix {
        // The samples are green, blue and red.
        0 => [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
        1 => weights(0.2126, 0.0722),
        // Nothing is said, or what all the others say.
        2 | 3 | 5 | 6 => weights(0.299, 0.114),
        4 => weights(0.30, 0.11),
        7 => weights(0.212, 0.087),
        // Differences of green and of orange.
        8 => [[1.0, -1.0, 1.0], [1.0, 1.0, 0.0], [1.0, -1.0, -1.0]],
        9 => weights(0.2627, 0.0593),
        // They follow from the primaries.
        12 => match code.primaries {
            9 => weights(0.2627, 0.0593),
            11 | 12 => weights(0.229, 0.0793),
            5 | 6 => weights(0.2124, 0.0866),
            _ => weights(0.2126, 0.0722),
        },
        other => return Err(reject::unsupported(format!("heif with matrix {other}"))),
    })
}

/// Where black is among the samples, and how many steps there are to the top.
struct Range {
    luma: (f32, f32),
    chroma: (f32, f32),
}

impl Range {
    fn of(bits: u32, code: Code) -> Self {
        let top = f32::from(u16::try_from((1_u32 << bits) - 1).unwrap_or(u16::MAX));
        let scale = f32::from(1_u16 << (bits - 8));
        let luma = if code.full_range {
            (0.0, top)
        } else {
            (16.0 * scale, 219.0 * scale)
        };
        let chroma = if code.matrix == 0 {
            luma
        } else if code.full_range {
            (128.0 * scale, top)
        } else {
            (128.0 * scale, 224.0 * scale)
        };
        Self { luma, chroma }
    }
}

/// Hands the rows of the picture's upper left part to `put`, from the top: grey, or red, green and blue.
pub(super) fn rows<S: Sample>(
    picture: &Planes,
    code: Code,
    (width, height): (u32, u32),
    mut put: impl FnMut(u32, &[S]) -> Result<(), Rejection>,
) -> Result<(), Rejection> {
    let width = width.min(picture.width) as usize;
    let mix = mix(code)?;
    let range = Range::of(picture.bits, code);
    let mut luma = Vec::new();
    let (mut blue, mut red) = (Rows::default(), Rows::default());
    let mut row = Vec::new();
    for y in 0..height.min(picture.height) {
        picture.samples[0].read(y, width, range.luma, &mut luma)?;
        row.clear();
        if picture.chroma == Chroma::None {
            row.extend(luma.iter().map(|&luma| S::of(luma)));
        } else {
            blue.read(picture, 1, y, &range)?;
            red.read(picture, 2, y, &range)?;
            row.resize(width * 3, S::default());
            let differences = blue.wide.iter().zip(&red.wide);
            let pixels = luma.iter().zip(differences);
            for ((&luma, (&blue, &red)), pixel) in pixels.zip(row.as_chunks_mut::<3>().0) {
                *pixel = mix.map(|[l, b, r]| S::of(l * luma + b * blue + r * red));
            }
        }
        put(y, &row)?;
    }
    Ok(())
}

impl Plane<'_> {
    /// A row of so many samples, the lowest as 0 and the highest as 1.
    fn read(
        &self,
        y: u32,
        width: usize,
        (zero, steps): (f32, f32),
        row: &mut Vec<f32>,
    ) -> Result<(), Rejection> {
        let start = y as usize * self.stride;
        let stored = self.bytes.get(start..start + width * self.bytes_of_sample);
        let stored = stored.ok_or_else(|| reject::corrupt("a picture smaller than announced"))?;
        let factor = 1.0 / steps;
        row.clear();
        if self.bytes_of_sample == 2 {
            let samples = stored.as_chunks::<2>().0.iter();
            let samples = samples.map(|&sample| f32::from(u16::from_ne_bytes(sample)));
            row.extend(samples.map(|sample| (sample - zero) * factor));
        } else {
            row.extend(
                stored
                    .iter()
                    .map(|&sample| (f32::from(sample) - zero) * factor),
            );
        }
        Ok(())
    }
}

/// A row of differences as wide as the picture, made of the rows that are nearest.
#[derive(Default)]
struct Rows {
    near: Vec<f32>,
    far: Vec<f32>,
    wide: Vec<f32>,
}

impl Rows {
    fn read(
        &mut self,
        picture: &Planes,
        plane: usize,
        y: u32,
        range: &Range,
    ) -> Result<(), Rejection> {
        let plane = &picture.samples[plane];
        let halved = |side: u32| side.div_ceil(2);
        let (across, down) = match picture.chroma {
            Chroma::Quarter => (halved(picture.width), Some(halved(picture.height))),
            Chroma::Half => (halved(picture.width), None),
            Chroma::All | Chroma::None => (picture.width, None),
        };
        let across = across as usize;
        let read = |y: u32, row: &mut Vec<f32>| plane.read(y, across, range.chroma, row);
        if let Some(rows) = down {
            let near = y / 2;
            let far = if y.is_multiple_of(2) {
                near.saturating_sub(1)
            } else {
                (near + 1).min(rows - 1)
            };
            read(near, &mut self.near)?;
            read(far, &mut self.far)?;
            for (near, far) in self.near.iter_mut().zip(&self.far) {
                *near = 0.75 * *near + 0.25 * far;
            }
        } else {
            read(y, &mut self.near)?;
        }
        if picture.chroma == Chroma::All {
            std::mem::swap(&mut self.near, &mut self.wide);
        } else {
            widened(&self.near, picture.width as usize, &mut self.wide);
        }
        Ok(())
    }
}

/// Twice as many samples, each nearer to one of its neighbours: they lie in the middle of two pixels.
fn widened(row: &[f32], width: usize, wide: &mut Vec<f32>) {
    let (Some(&first), Some(&last)) = (row.first(), row.last()) else {
        return wide.clear();
    };
    wide.resize(row.len() * 2, 0.0);
    // Between two samples lie two pixels, and one lies beyond the first and the last of them.
    let between = &mut wide.as_mut_slice()[1..];
    for (pair, pixels) in row.windows(2).zip(between.as_chunks_mut::<2>().0) {
        *pixels = [
            0.75 * pair[0] + 0.25 * pair[1],
            0.25 * pair[0] + 0.75 * pair[1],
        ];
    }
    wide[0] = first;
    wide[row.len() * 2 - 1] = last;
    wide.truncate(width);
}
