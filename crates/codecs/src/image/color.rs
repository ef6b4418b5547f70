//! From whatever colours a file is in to sRGB.

use std::sync::Arc;

use media::Rejection;
use moxcms::{DataColorSpace, Layout as Channels, TransformExecutor, TransformOptions};

use super::hdr::{self, ToSrgb};
use super::profile::Embedded;
use super::raster::{Layout, Raster};
use super::reject;

/// The picture as RGB or RGBA in sRGB.
pub(super) fn to_srgb(mut picture: Raster) -> Result<Raster, Rejection> {
    let light = picture.color.light(picture.layout);
    if let Some(hdr) = light.and_then(ToSrgb::new) {
        return Ok(hdr.picture(picture));
    }
    let profile = picture.color.profile(picture.layout);
    let rgb_profile = profile.as_ref().is_some_and(is_rgb);
    if rgb_profile && matches!(picture.layout, Layout::Gray | Layout::GrayAlpha) {
        picture = expand(picture);
    }
    let channels = channels(picture.layout);
    let converter = profile.and_then(|profile| {
        let options = TransformOptions::default();
        let srgb = moxcms::ColorProfile::new_srgb();
        profile
            .create_transform_8bit(channels, &srgb, rgb(picture.layout), options)
            .ok()
    });
    match converter {
        Some(converter) if rgb_profile && changes_nothing(&*converter, picture.layout) => {
            Ok(expand(picture))
        }
        Some(converter) => {
            let layout = rgb_layout(picture.layout);
            let pixels = picture.data.len() / picture.layout.channels();
            let mut data = vec![0; pixels * layout.channels()];
            converter
                .transform(&picture.data, &mut data)
                .map_err(|error| refused(&error))?;
            Ok(picture.with_pixels(layout, Embedded::Srgb, data))
        }
        None => Ok(expand(picture)),
    }
}

/// Turns rows of 16-bit samples into 8-bit sRGB. Done while decoding: narrowing first would show
/// as bands in wide colour spaces.
pub(super) struct Narrow {
    layout: Layout,
    /// Grey whose profile is for RGB is converted as RGB.
    as_rgb: bool,
    converter: Option<Arc<dyn TransformExecutor<u16> + Send + Sync>>,
    /// Of high dynamic range.
    hdr: Option<ToSrgb>,
    wide: Vec<u16>,
}

impl Narrow {
    pub(super) fn new(embedded: &Embedded, layout: Layout) -> Self {
        let profile = embedded.profile(layout);
        let as_rgb = matches!(layout, Layout::Gray | Layout::GrayAlpha)
            && profile.as_ref().is_some_and(is_rgb);
        let from = if as_rgb { rgb_layout(layout) } else { layout };
        let converter = profile.and_then(|profile| {
            let options = TransformOptions::default();
            let srgb = moxcms::ColorProfile::new_srgb();
            profile
                .create_transform_16bit(channels(from), &srgb, rgb(layout), options)
                .ok()
        });
        Self {
            layout,
            as_rgb,
            converter,
            hdr: embedded.light(layout).and_then(ToSrgb::new),
            wide: Vec::new(),
        }
    }

    /// The layout of what [`Self::row`] appends.
    pub(super) fn layout(&self) -> Layout {
        match &self.hdr {
            Some(hdr) => hdr.layout(self.layout),
            None if self.converter.is_some() => rgb_layout(self.layout),
            None => self.layout,
        }
    }

    /// What its samples mean.
    pub(super) fn color(&self) -> Embedded {
        self.hdr.as_ref().map_or(Embedded::Srgb, ToSrgb::color)
    }

    pub(super) fn row(&mut self, samples: &[u16], out: &mut Vec<u8>) -> Result<(), Rejection> {
        if let Some(hdr) = &self.hdr {
            hdr.append(samples, self.layout, out);
            return Ok(());
        }
        let narrow = |&sample: &u16| hdr::narrow(sample);
        let Some(converter) = &self.converter else {
            out.extend(samples.iter().map(narrow));
            return Ok(());
        };
        let pixels = samples.len() / self.layout.channels();
        self.wide.resize(pixels * self.layout().channels(), 0);
        let outcome = if self.as_rgb {
            let grey = samples.chunks_exact(self.layout.channels());
            let as_rgb: Vec<u16> = grey
                .flat_map(|pixel| [&[pixel[0]; 3], &pixel[1..]].concat())
                .collect();
            converter.transform(&as_rgb, &mut self.wide)
        } else {
            converter.transform(samples, &mut self.wide)
        };
        outcome.map_err(|error| refused(&error))?;
        out.extend(self.wide.iter().map(narrow));
        Ok(())
    }
}

fn is_rgb(profile: &moxcms::ColorProfile) -> bool {
    profile.color_space == DataColorSpace::Rgb
}

fn refused(error: &moxcms::CmsError) -> Rejection {
    reject::corrupt(format!("colour conversion: {error}"))
}

/// Whether an RGB conversion is the identity, give or take a rounding step: true of the many sRGB
/// profiles there are, whatever they are called.
fn changes_nothing(transform: &dyn TransformExecutor<u8>, layout: Layout) -> bool {
    const STEPS: [u8; 6] = [0, 51, 102, 153, 204, 255];
    let mut lattice = Vec::new();
    for (r, g, b) in STEPS.iter().flat_map(|&r| {
        STEPS
            .iter()
            .flat_map(move |&g| STEPS.iter().map(move |&b| (r, g, b)))
    }) {
        lattice.extend_from_slice(&[r, g, b, 255][..layout.channels()]);
    }
    let mut converted = vec![0; lattice.len()];
    transform.transform(&lattice, &mut converted).is_ok()
        && lattice
            .iter()
            .zip(&converted)
            .all(|(a, b)| a.abs_diff(*b) <= 1)
}

/// The pixels as RGBA, whatever their colours mean.
pub(super) fn to_rgba(picture: Raster) -> Vec<u8> {
    let picture = expand(picture);
    if picture.layout.has_alpha() {
        return picture.data;
    }
    let pixels = picture.data.as_chunks::<3>().0.iter();
    pixels.flat_map(|&[r, g, b]| [r, g, b, u8::MAX]).collect()
}

/// Pixels without a usable profile as RGB or RGBA.
pub(super) fn expand(picture: Raster) -> Raster {
    let pixels = &picture.data;
    let data: Vec<u8> = match picture.layout {
        Layout::Rgb | Layout::Rgba => return picture,
        Layout::Gray => pixels.iter().flat_map(|&gray| [gray; 3]).collect(),
        Layout::GrayAlpha => {
            let pairs = pixels.as_chunks::<2>().0.iter();
            pairs
                .flat_map(|&[gray, alpha]| [gray, gray, gray, alpha])
                .collect()
        }
        Layout::Cmyk => {
            let inks = pixels.as_chunks::<4>().0.iter();
            let light = |ink: u8, black: u8| {
                let product = u32::from(255 - ink) * u32::from(255 - black);
                u8::try_from((product + 127) / 255).expect("255 * 255 / 255 fits")
            };
            inks.flat_map(|&[c, m, y, k]| [light(c, k), light(m, k), light(y, k)])
                .collect()
        }
    };
    let layout = rgb_layout(picture.layout);
    let color = picture.color.clone();
    picture.with_pixels(layout, color, data)
}

const fn rgb_layout(layout: Layout) -> Layout {
    if layout.has_alpha() {
        Layout::Rgba
    } else {
        Layout::Rgb
    }
}

const fn rgb(layout: Layout) -> Channels {
    if layout.has_alpha() {
        Channels::Rgba
    } else {
        Channels::Rgb
    }
}

const fn channels(layout: Layout) -> Channels {
    match layout {
        Layout::Gray => Channels::Gray,
        Layout::GrayAlpha => Channels::GrayAlpha,
        Layout::Rgb => Channels::Rgb,
        // moxcms takes any four channels by this name, ink too.
        Layout::Rgba | Layout::Cmyk => Channels::Rgba,
    }
}
