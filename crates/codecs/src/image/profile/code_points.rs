//! What the code points of ITU-T H.273 mean for pictures.

use moxcms::{Chromaticity, CicpProfile, ColorPrimaries, XyY};

/// The code point of sRGB's transfer function.
pub(in crate::image) const SRGB_CURVE: u8 = 13;

/// The code point of the transfer function that pictures have. Those of cameras stand for sRGB's: what they made is looked
/// at as any other picture, in browsers too.
pub(super) const fn transfer_of_pictures(transfer: u8) -> Option<u8> {
    match transfer {
        transfer if is_of_cameras(transfer) => Some(SRGB_CURVE),
        // BT.1361, which is for colours beyond its primaries.
        12 => None,
        other => Some(other),
    }
}

/// Code points of BT.709, BT.601, BT.2020 and xvYCC, whose function is one.
pub(super) const fn is_of_cameras(transfer: u8) -> bool {
    matches!(transfer, 1 | 6 | 11 | 14 | 15)
}

/// The profile of code points that are known.
pub(in crate::image) fn cicp_profile(primaries: u8, transfer: u8) -> Option<moxcms::ColorProfile> {
    const XYZ: u8 = 10;
    const BT709: u8 = 1;
    const SCREEN: f32 = 2.4;
    let is_of_cameras = is_of_cameras(transfer);
    let transfer = transfer_of_pictures(transfer)?;
    let known = if primaries == XYZ { BT709 } else { primaries };
    let mut profile = moxcms::ColorProfile::new_from_cicp(CicpProfile {
        color_primaries: known.try_into().ok()?,
        transfer_characteristics: transfer.try_into().ok()?,
        matrix_coefficients: moxcms::MatrixCoefficients::Identity,
        full_range: true,
    });
    if primaries == XYZ {
        // Light of none of them, or of one alone, cannot be divided by.
        const NEXT_TO_NOTHING: f32 = 1e-5;
        let point = |x: f32, y: f32| Chromaticity { x, y };
        let axes = ColorPrimaries {
            red: point(1.0 - NEXT_TO_NOTHING, NEXT_TO_NOTHING),
            green: point(0.0, 1.0),
            blue: point(0.0, NEXT_TO_NOTHING),
        };
        let third = 1.0 / 3.0;
        let white = XyY {
            x: third,
            y: third,
            yb: 1.0,
        };
        profile.update_rgb_colorimetry(white, axes);
    }
    if is_of_cameras {
        let curve = moxcms::curve_from_gamma(SCREEN);
        profile.cicp = None;
        profile.red_trc = Some(curve.clone());
        profile.green_trc = Some(curve.clone());
        profile.blue_trc = Some(curve);
    }
    profile.is_matrix_shaper().then_some(profile)
}
