//! The same pictures as AVIF. At this quality and effort ten photos look as they do as WebP (SSIM and PSNR): at full size
//! in 0.64 of the bytes, as thumbnails in 0.64 (1280 wide) to 0.75 (320).

use super::{Output, Unit, UnitName, full, thumbnails};
use crate::formats::OutputFormat;

pub(super) fn full() -> Unit {
    // More effort would save another tenth of the bytes, for five times the work.
    as_avif(full::unit(), UnitName::FullAvif, 60, 0)
}

pub(super) fn thumbnails() -> Unit {
    as_avif(thumbnails::unit(), UnitName::ThumbnailsAvif, 57, 2)
}

fn as_avif(unit: Unit, name: UnitName, quality: u8, effort: u8) -> Unit {
    let outputs = unit.outputs.into_iter().map(|output| Output {
        format: OutputFormat::Avif,
        quality,
        effort,
        ..output
    });
    Unit {
        name,
        outputs: outputs.collect(),
    }
}
