//! How much of a picture its file brought, and how much of it must be there.

use media::Rejection;

use super::reject;

/// Whether the file brought all of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    /// Its end is missing or cannot be read, but most of it is there.
    Cut,
}

impl Extent {
    /// Of a picture of which so many rows were brought. Three quarters must be there.
    pub(super) fn of_rows(rows: u64, of: u64) -> Result<Self, Rejection> {
        if rows >= of {
            Ok(Self::Whole)
        } else if rows.saturating_mul(4) >= of.saturating_mul(3) {
            Ok(Self::Cut)
        } else {
            Err(reject::corrupt("the file ends within the picture"))
        }
    }
}
