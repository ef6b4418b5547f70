//! The image at its own size.

use super::{Output, Unit, UnitName};
use crate::formats::OutputFormat;
use crate::variants::VariantKind;

pub(super) fn unit() -> Unit {
    Unit {
        name: UnitName::Full,
        outputs: vec![Output {
            kind: VariantKind::Full,
            format: OutputFormat::Webp,
            max_width: None,
            quality: 80,
            // Encoding the full size is four fifths of the cost of all outputs. Effort 2 halves it, for 8 % more bytes.
            effort: 2,
        }],
    }
}
