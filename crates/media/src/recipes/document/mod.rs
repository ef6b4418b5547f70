//! What is made of a document: pictures of its first page, and of as many further ones as are wanted.

use serde::Serialize;

use super::Recipe;
use crate::formats::Kind;

/// Raised when the same recipe text would make other bytes, such as after a change of renderer.
const REVISION: u32 = 2;

/// A family of outputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// The first page as `WebP`.
    FirstPage {
        /// Widths in pixels, the widest first.
        widths: Vec<u32>,
        /// Encoder quality, 0 to 100.
        quality: u8,
        /// Encoder effort, 0 (fast) to 6 (small).
        effort: u8,
    },
    /// Further pages, each as one `WebP`.
    FurtherPages {
        /// In pixels.
        width: u32,
        /// Encoder quality, 0 to 100.
        quality: u8,
        /// Encoder effort, 0 (fast) to 6 (small).
        effort: u8,
    },
}

/// The recipe.
pub fn recipe() -> Recipe<Unit> {
    Recipe {
        revision: REVISION,
        kind: Kind::Document,
        units: vec![
            Unit::FirstPage {
                widths: vec![1280, 640, 320],
                quality: 80,
                effort: 4,
            },
            Unit::FurtherPages {
                width: 640,
                quality: 80,
                effort: 4,
            },
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::recipe;

    #[test]
    fn the_hash_changes_only_on_purpose() {
        // Changing the recipe changes every key: update this together with the recipe.
        assert_eq!(recipe().hash().to_string(), "4c69c3ca1cc2694b");
    }
}
