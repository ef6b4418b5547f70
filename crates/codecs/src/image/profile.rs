//! What a file says its colours mean, and the profile that follows from it.
//!
//! A profile that is broken, or that is for another kind of pixel, counts as none, as in browsers:
//! the picture is then taken for sRGB. HDR transfer curves (PQ, HLG) are not tone-mapped.

use moxcms::{Chromaticity, CicpProfile, ColorPrimaries, DataColorSpace, ProfileText, XyY};
use serde::{Deserialize, Serialize};

use super::raster::Layout;

/// How a file says what its colours mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ColorProfile {
    /// Not at all; taken for sRGB.
    Untagged,
    /// A mark that stands for sRGB.
    Srgb,
    /// An embedded ICC profile.
    Icc {
        /// Its description, at most 100 characters; empty if it has none or cannot be read.
        description: String,
    },
    /// PNG `gAMA`, perhaps with `cHRM`.
    Gamma {
        /// The exponent that samples were encoded with, 0.45455 for most.
        gamma: f32,
    },
    /// PNG `cICP`: code points of ITU-T H.273.
    Cicp {
        /// Colour primaries.
        primaries: u8,
        /// Transfer characteristics.
        transfer: u8,
    },
}

/// The colour information as embedded.
#[derive(Clone, PartialEq)]
pub(super) enum Embedded {
    Nothing,
    Srgb,
    Icc(Vec<u8>),
    /// x, y of white, red, green and blue.
    Gamma {
        gamma: f32,
        chromaticities: Option<[(f32, f32); 4]>,
    },
    Cicp {
        primaries: u8,
        transfer: u8,
    },
}

impl ColorProfile {
    pub(super) fn describe(embedded: &Embedded) -> Self {
        match embedded {
            Embedded::Nothing => Self::Untagged,
            Embedded::Srgb => Self::Srgb,
            Embedded::Icc(icc) => Self::Icc {
                description: description(icc),
            },
            &Embedded::Gamma { gamma, .. } => Self::Gamma { gamma },
            &Embedded::Cicp {
                primaries,
                transfer,
            } => Self::Cicp {
                primaries,
                transfer,
            },
        }
    }
}

impl Embedded {
    /// The profile to convert from, if there is one that fits the pixels.
    pub(super) fn profile(&self, layout: Layout) -> Option<moxcms::ColorProfile> {
        let gray = matches!(layout, Layout::Gray | Layout::GrayAlpha);
        let profile = match *self {
            Embedded::Nothing | Embedded::Srgb => return None,
            Embedded::Icc(ref icc) => moxcms::ColorProfile::new_from_slice(icc).ok()?,
            Embedded::Gamma { gamma, .. } if gray => {
                moxcms::ColorProfile::new_gray_with_gamma(1.0 / gamma)
            }
            Embedded::Gamma {
                gamma,
                chromaticities,
            } => gamma_profile(gamma, chromaticities)?,
            Embedded::Cicp {
                primaries,
                transfer,
            } => cicp_profile(primaries, transfer)?,
        };
        let fits = match profile.color_space {
            DataColorSpace::Rgb => layout != Layout::Cmyk,
            DataColorSpace::Gray => gray,
            DataColorSpace::Cmyk => layout == Layout::Cmyk,
            _ => false,
        };
        fits.then_some(profile)
    }
}

fn description(icc: &[u8]) -> String {
    let profile = moxcms::ColorProfile::new_from_slice(icc).ok();
    let text = match profile.and_then(|profile| profile.description) {
        Some(ProfileText::PlainString(text)) => text,
        Some(ProfileText::Localizable(texts)) => texts
            .into_iter()
            .next()
            .map(|text| text.value)
            .unwrap_or_default(),
        Some(ProfileText::Description(text)) => text.ascii_string,
        None => String::new(),
    };
    text.chars()
        .filter(|c| !c.is_control())
        .take(100)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// sRGB's, or the given, primaries with a plain exponent.
fn gamma_profile(
    gamma: f32,
    chromaticities: Option<[(f32, f32); 4]>,
) -> Option<moxcms::ColorProfile> {
    let mut profile = moxcms::ColorProfile::new_srgb();
    profile.cicp = None;
    if let Some([white, red, green, blue]) = chromaticities {
        // Primaries that span no triangle, or black as white, lead nowhere.
        let twice_area =
            (green.0 - red.0) * (blue.1 - red.1) - (blue.0 - red.0) * (green.1 - red.1);
        if twice_area.abs() < 0.01 || white.1 < 0.01 {
            return None;
        }
        let point = |(x, y): (f32, f32)| Chromaticity { x, y };
        let primaries = ColorPrimaries {
            red: point(red),
            green: point(green),
            blue: point(blue),
        };
        let white = XyY {
            x: white.0.into(),
            y: white.1.into(),
            yb: 1.0,
        };
        profile.update_rgb_colorimetry(white, primaries);
    }
    let curve = moxcms::curve_from_gamma(1.0 / gamma);
    profile.red_trc = Some(curve.clone());
    profile.green_trc = Some(curve.clone());
    profile.blue_trc = Some(curve);
    Some(profile)
}

fn cicp_profile(primaries: u8, transfer: u8) -> Option<moxcms::ColorProfile> {
    const PQ: u8 = 16;
    const HLG: u8 = 18;
    if matches!(transfer, PQ | HLG) {
        return None;
    }
    let profile = moxcms::ColorProfile::new_from_cicp(CicpProfile {
        color_primaries: primaries.try_into().ok()?,
        transfer_characteristics: transfer.try_into().ok()?,
        matrix_coefficients: moxcms::MatrixCoefficients::Identity,
        full_range: true,
    });
    profile.is_matrix_shaper().then_some(profile)
}
