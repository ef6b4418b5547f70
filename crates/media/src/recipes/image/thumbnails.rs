//! The small versions, widest first, so that each can be made from the one before.

use super::{Output, Unit, UnitName};
use crate::formats::OutputFormat;
use crate::variants::VariantKind;

/// Widths in pixels. Those wider than the source are left out, all but the narrowest.
const WIDTHS: [u32; 4] = [1280, 640, 320, 128];

pub(super) fn unit() -> Unit {
    let thumbnail = |width| Output {
        kind: VariantKind::Thumbnail,
        format: OutputFormat::Webp,
        max_width: Some(width),
        quality: 80,
        effort: 4,
    };
    Unit {
        name: UnitName::Thumbnails,
        outputs: WIDTHS.map(thumbnail).to_vec(),
    }
}
