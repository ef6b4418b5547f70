//! Are the variants complete? No I/O.

use media::variants::{NewVariant, VariantKind};

use crate::facts::Promoted;

/// A set of variants that may not be served.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Incomplete {
    #[error("there must be one full-size variant, not {0}")]
    Full(usize),
    #[error("the full-size variant is {found:?} pixels, the image {expected:?}")]
    Size {
        found: (Option<u32>, Option<u32>),
        expected: (u32, u32),
    },
    #[error("there is no thumbnail")]
    NoThumbnail,
    #[error("two variants share the key {0}")]
    Twice(String),
}

/// Whether the set is whole.
pub(super) fn check(promoted: &Promoted, variants: &[NewVariant]) -> Result<(), Incomplete> {
    let full: Vec<_> = variants
        .iter()
        .filter(|v| v.kind == VariantKind::Full)
        .collect();
    let &[full] = full.as_slice() else {
        return Err(Incomplete::Full(full.len()));
    };
    let expected = (promoted.width, promoted.height);
    let found = (full.width, full.height);
    if found != (Some(expected.0), Some(expected.1)) {
        return Err(Incomplete::Size { found, expected });
    }
    if !variants.iter().any(|v| v.kind == VariantKind::Thumbnail) {
        return Err(Incomplete::NoThumbnail);
    }
    let mut keys: Vec<_> = variants.iter().map(|v| v.storage_path.as_str()).collect();
    keys.sort_unstable();
    if let Some(twice) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Incomplete::Twice(twice[0].to_owned()));
    }
    Ok(())
}
