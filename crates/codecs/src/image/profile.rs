//! What a file says its colours mean, and the profile that follows from it.
//!
//! A profile that is broken, or that is for another kind of pixel, counts as none, as in browsers: what else the file says
//! is believed, or the picture is taken for sRGB.

mod code_points;

use moxcms::{Chromaticity, ColorPrimaries, DataColorSpace, ProfileText, XyY};
use serde::{Deserialize, Serialize};

pub(super) use self::code_points::{SRGB_CURVE, cicp_profile};

use self::code_points::{is_of_cameras, transfer_of_pictures};
use super::hdr::{Curve, Light};
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
    Hdr(Light),
    /// Not colours, but how many stops pixels are to be brightened by: from black to white, so many.
    Gain {
        least: f32,
        most: f32,
    },
}

impl ColorProfile {
    pub(super) fn describe(embedded: &Embedded) -> Self {
        match embedded {
            Embedded::Nothing | Embedded::Gain { .. } => Self::Untagged,
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
            &Embedded::Hdr(light) => Self::Cicp {
                primaries: light.primaries,
                transfer: light.curve as u8,
            },
        }
    }
}

impl Embedded {
    /// What code points of ITU-T H.273 mean, and of high dynamic range how much light the brightest pixel has, in cd/m2.
    /// Nothing if they are unknown.
    pub(super) fn of_code_points(
        primaries: u8,
        transfer: u8,
        brightest: Option<f32>,
    ) -> Option<Self> {
        const BT709: u8 = 1;
        let curve = match transfer {
            16 => Some(Curve::Pq),
            18 => Some(Curve::Hlg),
            _ => None,
        };
        let embedded = match (primaries, curve, transfer_of_pictures(transfer)?) {
            (_, Some(curve), _) => Self::Hdr(Light {
                primaries,
                curve,
                brightest,
                as_gain: false,
            }),
            (BT709, None, SRGB_CURVE) => Self::Srgb,
            (_, None, transfer) => Self::Cicp {
                primaries,
                transfer,
            },
        };
        cicp_profile(primaries, transfer).map(|_| embedded)
    }

    /// The same of a PNG. The transfer functions of cameras are looked at as on a screen there (ITU-R BT.1886), and not
    /// taken for sRGB's as in other formats.
    pub(super) fn of_code_points_in_png(
        primaries: u8,
        transfer: u8,
        brightest: Option<f32>,
    ) -> Option<Self> {
        let embedded = Self::of_code_points(primaries, transfer, brightest)?;
        Some(if is_of_cameras(transfer) {
            Self::Cicp {
                primaries,
                transfer,
            }
        } else {
            embedded
        })
    }

    /// An embedded profile, or nothing if it is of no use for such pixels.
    pub(super) fn of_icc(icc: &[u8], layout: Layout) -> Option<Self> {
        let embedded = Self::Icc(icc.to_vec());
        let is_of_use = embedded.profile(layout).is_some();
        is_of_use.then_some(embedded)
    }

    /// What samples of high dynamic range mean, if they are of such.
    pub(super) fn light(&self, layout: Layout) -> Option<Light> {
        match self {
            &Self::Hdr(light) => Some(light),
            Self::Icc(icc) if layout != Layout::Cmyk => {
                let code = parsed(icc)?.cicp?;
                let (primaries, transfer) = (
                    code.color_primaries as u8,
                    code.transfer_characteristics as u8,
                );
                match Self::of_code_points(primaries, transfer, None)? {
                    Self::Hdr(light) => Some(light),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The same, with the brightest pixel measured by the highest sample (of 16 bits), where it matters and nothing is said.
    pub(super) fn measured(self, layout: Layout, highest: impl FnOnce() -> u16) -> Self {
        match self.light(layout) {
            Some(light) => Self::Hdr(light.measured(highest())),
            None => self,
        }
    }

    /// The profile to convert from, if there is one that fits the pixels.
    pub(super) fn profile(&self, layout: Layout) -> Option<moxcms::ColorProfile> {
        let gray = matches!(layout, Layout::Gray | Layout::GrayAlpha);
        let profile = match *self {
            Embedded::Nothing | Embedded::Srgb | Embedded::Hdr(_) | Embedded::Gain { .. } => {
                return None;
            }
            Embedded::Icc(ref icc) => parsed(icc)?,
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

/// A profile without what may stand behind its end. Which kind of device it is for does not matter, as in browsers, even if
/// there is no such kind.
fn parsed(icc: &[u8]) -> Option<moxcms::ColorProfile> {
    const CLASS: std::ops::Range<usize> = 12..16;
    let declared = u32::from_be_bytes(*icc.first_chunk()?);
    let icc = icc.get(..declared as usize)?;
    let class = *icc.get(CLASS)?.first_chunk::<4>()?;
    if moxcms::ProfileClass::try_from(u32::from_be_bytes(class)).is_ok() {
        return moxcms::ColorProfile::new_from_slice(icc).ok();
    }
    let mut of_a_display = icc.to_vec();
    of_a_display[CLASS].copy_from_slice(b"mntr");
    moxcms::ColorProfile::new_from_slice(&of_a_display).ok()
}

fn description(icc: &[u8]) -> String {
    let text = match parsed(icc).and_then(|profile| profile.description) {
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
