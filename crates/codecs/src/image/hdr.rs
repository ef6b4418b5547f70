//! High dynamic range (ITU-R BT.2100) in sRGB, as browsers show it on displays that have no light to spare.
//!
//! White of a page is diffuse white, 203 cd/m2 (ITU-R BT.2408). The brighter a picture's highlights are, the darker becomes
//! the rest, down to half of its light, and they bend towards white: this is Chromium's curve. How bright they are is what
//! the file says, or else what is measured. More than 1,000 cd/m2 are believed only if the file says so.

use super::profile::Embedded;
use super::raster::{Layout, Raster};

/// Light of diffuse white in cd/m2.
const WHITE: f32 = 203.0;
/// Light of highlights in cd/m2 where nothing is known; also that of the screen that HLG is made for.
const USUAL: f32 = 1_000.0;
/// Light of diffuse white that is left if highlights have the usual light, or more.
const DIMMED: f32 = 0.5;
/// How far highlights keep to the straight on until they bend.
const STRAIGHT: f32 = 0.65;
/// Entries of the table from light to samples of sRGB.
const STEPS: f32 = 16_384.0;

/// From samples to light; the numbers are those of ITU-T H.273.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    Pq = 16,
    Hlg = 18,
}

/// What the samples of such a picture mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Light {
    /// A code point of ITU-T H.273.
    pub(super) primaries: u8,
    pub(super) curve: Curve,
    /// Light of the brightest pixel in cd/m2, if it is known.
    pub(super) brightest: Option<f32>,
    /// Whether it is not the colours that are to be shown, but what was taken from each pixel when it was bent.
    pub(super) as_gain: bool,
}

impl Light {
    /// Whether there may be more than diffuse white.
    pub(super) fn is_beyond_white(self) -> bool {
        self.brightest.is_none_or(|brightest| brightest > WHITE)
    }

    /// The same, with its brightest pixel measured by its highest sample (of 16 bits), if nothing is said.
    pub(super) fn measured(self, highest: u16) -> Self {
        let level = f32::from(highest) / f32::from(u16::MAX);
        let measured = match self.curve {
            Curve::Pq => pq(level),
            Curve::Hlg => USUAL * hlg(level).powf(1.2),
        };
        Self {
            brightest: self.brightest.or(Some(measured.min(USUAL))),
            ..self
        }
    }
}

/// How many stops are taken from pixels: from those that are not bent, and from the brightest, which has so many more than
/// diffuse white.
fn stops(light: Light) -> (f32, f32) {
    let bend = Bend::new(light.brightest.unwrap_or(USUAL));
    (-bend.knee.log2(), bend.brightest.log2())
}

/// Light in cd/m2.
fn pq(level: f32) -> f32 {
    let root = level.powf(1.0 / 78.843_75);
    let part = (root - 0.835_937_5).max(0.0) / (18.851_562 - 18.687_5 * root);
    10_000.0 * part.powf(1.0 / 0.159_301_76)
}

/// Light before the camera, 0 to 1.
fn hlg(level: f32) -> f32 {
    if level <= 0.5 {
        level * level / 3.0
    } else {
        (((level - 0.559_910_7) / 0.178_832_77).exp() + 0.284_668_92) / 12.0
    }
}

/// Brings light down to what a display has. All of it is in parts of diffuse white.
struct Bend {
    brightest: f32,
    /// What becomes of diffuse white.
    knee: f32,
}

impl Bend {
    fn new(brightest: f32) -> Self {
        let brightest = brightest.max(WHITE) / WHITE;
        let dimmed = (brightest.ln() / (USUAL / WHITE).ln()).min(1.0);
        Self {
            brightest,
            knee: 1.0 - (1.0 - DIMMED) * dimmed,
        }
    }

    /// What a pixel is multiplied with, whose brightest colour has that light.
    fn gain(&self, light: f32) -> f32 {
        if light <= 1.0 || self.brightest <= 1.0 {
            return self.knee;
        }
        if light >= self.brightest {
            return 1.0 / light;
        }
        // A parabola from diffuse white to the brightest, which leaves the one as straight as what is darker.
        let middle = 1.0 - STRAIGHT + STRAIGHT / self.knee;
        let (square, twice) = (1.0 - 2.0 * middle + self.brightest, middle - 1.0);
        let missing = 1.0 - light;
        let root = (twice * twice - square * missing).max(0.0).sqrt();
        // The solution that divides by no small number.
        let at = (-missing / (twice + root)).clamp(0.0, 1.0);
        let rest = 1.0 - at;
        let middle = (1.0 - STRAIGHT) * self.knee + STRAIGHT;
        (self.knee * rest * rest + 2.0 * middle * at * rest + at * at) / light
    }
}

/// A converter for pictures of one kind.
pub(super) struct ToSrgb {
    light_of: Light,
    /// Stops that the darkest and the brightest sample of a gain stand for.
    stops: (f32, f32),
    /// Light of each sample of 16 bits.
    light: Vec<f32>,
    mix: [[f32; 3]; 3],
    bend: Bend,
    samples: Vec<u8>,
}

impl ToSrgb {
    /// Nothing if the primaries are unknown.
    pub(super) fn new(light: Light) -> Option<Self> {
        let source = super::profile::cicp_profile(light.primaries, super::profile::SRGB_CURVE)?;
        let srgb = moxcms::ColorProfile::new_srgb();
        let matrix = source.transform_matrix(&srgb).to_f32();
        let of_sample = |sample: u16| {
            let level = f32::from(sample) / f32::from(u16::MAX);
            match light.curve {
                Curve::Pq => pq(level) / WHITE,
                Curve::Hlg => hlg(level),
            }
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 255"
        )]
        let of_step = |step: u16| {
            let light = f32::from(step) / STEPS;
            let level = if light <= 0.003_130_8 {
                12.92 * light
            } else {
                1.055 * light.powf(1.0 / 2.4) - 0.055
            };
            (255.0 * level + 0.5) as u8
        };
        Some(Self {
            light_of: light,
            stops: stops(light),
            light: (0..=u16::MAX).map(of_sample).collect(),
            mix: matrix.v,
            bend: Bend::new(light.brightest.unwrap_or(USUAL)),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a whole number that fits"
            )]
            samples: (0..=STEPS as u16).map(of_step).collect(),
        })
    }

    /// The light of a pixel in the picture's own primaries, and what it is multiplied with.
    fn bent(&self, color: [u16; 3]) -> ([f32; 3], f32) {
        let mut light = color.map(|sample| self.light[usize::from(sample)]);
        if self.light_of.curve == Curve::Hlg {
            // The screen's own curve (ITU-R BT.2100 table 5), which is one of luminance.
            let luminance = 0.2627 * light[0] + 0.6780 * light[1] + 0.0593 * light[2];
            let gain = luminance.powf(0.2) * USUAL / WHITE;
            light = light.map(|light| light * gain);
        }
        let gain = self.bend.gain(light[0].max(light[1]).max(light[2]));
        (light, gain)
    }

    fn pixel(&self, color: [u16; 3]) -> [u8; 3] {
        let (light, gain) = self.bent(color);
        self.mix.map(|[red, green, blue]| {
            let light = gain * (red * light[0] + green * light[1] + blue * light[2]);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 to STEPS"
            )]
            let step = (light.clamp(0.0, 1.0) * STEPS + 0.5) as usize;
            self.samples[step]
        })
    }

    /// What was taken from a pixel, as a sample between those of the least and the most.
    fn gain(&self, color: [u16; 3]) -> u8 {
        let (least, most) = self.stops;
        let part = (-self.bent(color).1.log2() - least) / (most - least).max(f32::MIN_POSITIVE);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 255"
        )]
        let sample = (part.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
        sample
    }

    /// What pixels of a layout become.
    pub(super) fn layout(&self, layout: Layout) -> Layout {
        match (self.light_of.as_gain, layout.has_alpha()) {
            (true, _) => Layout::Gray,
            (false, true) => Layout::Rgba,
            (false, false) => Layout::Rgb,
        }
    }

    /// What those samples mean.
    pub(super) fn color(&self) -> Embedded {
        if self.light_of.as_gain {
            let (least, most) = self.stops;
            Embedded::Gain { least, most }
        } else {
            Embedded::Srgb
        }
    }

    /// Appends pixels whose samples have 16 bits, in the layout of [`Self::layout`].
    pub(super) fn append(&self, samples: &[u16], layout: Layout, out: &mut Vec<u8>) {
        for pixel in samples.chunks_exact(layout.channels()) {
            let (color, alpha) = match *pixel {
                [grey] => ([grey; 3], None),
                [grey, alpha] => ([grey; 3], Some(alpha)),
                [red, green, blue] => ([red, green, blue], None),
                [red, green, blue, alpha, ..] => ([red, green, blue], Some(alpha)),
                [] => continue,
            };
            if self.light_of.as_gain {
                out.push(self.gain(color));
            } else {
                out.extend(self.pixel(color));
                out.extend(alpha.map(narrow));
            }
        }
    }

    /// The picture, of samples of 8 bits.
    pub(super) fn picture(&self, picture: Raster) -> Raster {
        let row_len = picture.width as usize * picture.layout.channels();
        let mut data = Vec::new();
        let mut wide = Vec::new();
        for row in picture.data.chunks_exact(row_len.max(1)) {
            wide.clear();
            wide.extend(row.iter().map(|&sample| u16::from(sample) * 257));
            self.append(&wide, picture.layout, &mut data);
        }
        let layout = self.layout(picture.layout);
        picture.with_pixels(layout, self.color(), data)
    }
}

/// A sample of 16 bits in 8.
pub(super) fn narrow(sample: u16) -> u8 {
    u8::try_from((u32::from(sample) + 128) / 257).expect("at most 65,535 / 257 = 255")
}

/// The highest sample of the colours of pixels.
pub(super) fn highest(samples: impl Iterator<Item = u16>, layout: Layout) -> u16 {
    let channels = layout.channels();
    let colors = channels - usize::from(layout.has_alpha());
    let samples = samples.enumerate();
    let colors = samples.filter(|(index, _)| index % channels < colors);
    colors.map(|(_, sample)| sample).max().unwrap_or_default()
}
