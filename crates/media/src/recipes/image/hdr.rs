//! The image at its own size with a gain map, of what is brighter than white.

use super::{Output, Unit, UnitName};
use crate::formats::OutputFormat;
use crate::variants::VariantKind;

pub(super) fn unit() -> Unit {
    Unit {
        name: UnitName::Hdr,
        outputs: vec![Output {
            kind: VariantKind::Hdr,
            format: OutputFormat::Jpeg,
            max_width: None,
            // What was bent towards white is stretched again, and its steps with it.
            quality: 90,
            effort: 0,
        }],
    }
}
