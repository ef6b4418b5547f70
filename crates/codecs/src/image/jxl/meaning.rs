//! What the samples of a JPEG XL mean.

use jxl::api::{
    JxlColorEncoding, JxlColorProfile, JxlPrimaries, JxlTransferFunction, JxlWhitePoint,
};

use crate::image::profile::Embedded;

/// What encoders write of PQ where they do not know how bright the brightest pixel is, in cd/m2.
const ANY_LIGHT: f32 = 10_000.0;

/// `light` is that of the brightest pixel in cd/m2, as far as the file says it.
pub(super) fn of(profile: &JxlColorProfile, light: f32) -> Embedded {
    let said = code_points(profile);
    let known = said.and_then(|(primaries, transfer)| {
        const PQ: u8 = 16;
        let brightest = (transfer == PQ && light < ANY_LIGHT).then_some(light);
        Embedded::of_code_points(primaries, transfer, brightest)
    });
    known.unwrap_or_else(|| match profile.try_as_icc() {
        Some(icc) => Embedded::Icc(icc.into_owned()),
        None => Embedded::Nothing,
    })
}

/// The code points (ITU-T H.273) of colours that have some: primaries and transfer.
fn code_points(profile: &JxlColorProfile) -> Option<(u8, u8)> {
    let JxlColorProfile::Simple(encoding) = profile else {
        return None;
    };
    let (primaries, white, transfer) = match encoding {
        JxlColorEncoding::RgbColorSpace {
            white_point,
            primaries,
            transfer_function,
            ..
        } => (primaries, white_point, transfer_function),
        JxlColorEncoding::GrayscaleColorSpace {
            white_point,
            transfer_function,
            ..
        } => (&JxlPrimaries::SRGB, white_point, transfer_function),
        JxlColorEncoding::XYB { .. } => return None,
    };
    let primaries = match primaries {
        JxlPrimaries::SRGB => 1,
        JxlPrimaries::BT2100 => 9,
        JxlPrimaries::P3 => 12,
        JxlPrimaries::Chromaticities { .. } => return None,
    };
    let transfer = match transfer {
        JxlTransferFunction::SRGB => 13,
        JxlTransferFunction::PQ => 16,
        JxlTransferFunction::HLG => 18,
        _ => return None,
    };
    (*white == JxlWhitePoint::D65).then_some((primaries, transfer))
}
