//! What is made of a file. A recipe is data: units of work, each with outputs; a folder for each kind of media, in it a
//! file for each family of outputs.
//!
//! To add an output, add it to a family (or add a family and name it in the recipe). The recipe's hash changes with
//! it, and with the hash every key, so old and new variants live side by side.
//!
//! What this is not: it decodes and encodes nothing.

pub mod audio;
pub mod document;
mod extras;
pub mod image;
pub mod video;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use extras::Extras;

use crate::Sha256;
use crate::formats::Kind;

/// Everything made of one kind of file, as units of work that are independent of each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recipe<Unit> {
    /// Raised when the same recipe text would make other bytes, such as after a change of encoder.
    revision: u32,
    kind: Kind,
    /// In no particular order. Each task makes one.
    pub units: Vec<Unit>,
}

/// Stable name of a recipe's exact content, part of every key made by it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecipeHash(String);

impl<Unit: Serialize> Recipe<Unit> {
    /// The first 16 hex digits of the SHA-256 of the recipe as JSON. The same in every build with the same recipe.
    #[expect(
        clippy::missing_panics_doc,
        reason = "plain data with text keys always serialises"
    )]
    pub fn hash(&self) -> RecipeHash {
        let json = serde_json::to_vec(self).expect("a recipe is plain data with text keys");
        let mut hex = Sha256::of(&json).to_hex();
        hex.truncate(16);
        RecipeHash(hex)
    }
}

impl fmt::Display for RecipeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
