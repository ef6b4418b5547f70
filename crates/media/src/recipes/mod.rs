//! What is made of a file. A recipe is data: units of work, each with outputs; one file per output family.
//!
//! To add an output, add it to a family (or add a family and name it in the recipe). The recipe's hash changes with
//! it, and with the hash every key, so old and new variants live side by side.
//!
//! What this is not: it decodes and encodes nothing.

mod full;
mod thumbnails;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Sha256;
use crate::formats::{Kind, OutputFormat};
use crate::variants::VariantKind;

/// Raised when the same recipe text would make other bytes, such as after a change of encoder.
const REVISION: u32 = 1;

/// Everything made of one kind of file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recipe {
    revision: u32,
    kind: Kind,
    /// The units, in no particular order: each is independent of the others.
    pub units: Vec<Unit>,
}

/// What one task makes: outputs that share a decode and, if need be, a retry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unit {
    /// Durable name.
    pub name: UnitName,
    /// What it writes.
    pub outputs: Vec<Output>,
}

/// Durable name of a unit of work, carried in task inputs: never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitName {
    /// The image at its own size.
    Full,
    /// The small versions, one decode for all.
    Thumbnails,
}

/// One variant to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {
    /// What it is for.
    pub kind: VariantKind,
    /// How it is encoded.
    pub format: OutputFormat,
    /// Widest it may be, in pixels; `None` keeps the source's size. Never enlarged: the decoder leaves out what is
    /// wider than the source, all but the narrowest.
    pub max_width: Option<u32>,
    /// Encoder quality, 0 to 100.
    pub quality: u8,
    /// Encoder effort, 0 (fast) to 6 (small).
    pub effort: u8,
}

/// Stable name of a recipe's exact content, part of every key made by it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecipeHash(String);

/// The recipe of a kind of file.
pub fn of(kind: Kind) -> Recipe {
    match kind {
        Kind::Image => image(),
    }
}

/// A full-size WebP, and thumbnails of four widths.
pub fn image() -> Recipe {
    Recipe {
        revision: REVISION,
        kind: Kind::Image,
        units: vec![full::unit(), thumbnails::unit()],
    }
}

impl Recipe {
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

    /// The unit of that name, if this recipe has it.
    pub fn unit(&self, name: UnitName) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.name == name)
    }

    /// Every output of every unit.
    pub fn outputs(&self) -> impl Iterator<Item = &Output> {
        self.units.iter().flat_map(|unit| &unit.outputs)
    }
}

impl Output {
    /// Last segment of the key, such as `thumbnail-320.webp`. Unique within a recipe.
    pub fn file_name(&self) -> String {
        let (kind, extension) = (self.kind.as_str(), self.format.extension());
        match self.max_width {
            Some(width) => format!("{kind}-{width}.{extension}"),
            None => format!("{kind}.{extension}"),
        }
    }
}

impl fmt::Display for RecipeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_hash_changes_only_on_purpose() {
        // Changing the recipe changes every key: update this together with the recipe.
        assert_eq!(image().hash().to_string(), "9b786a694be290cc");
    }

    #[test]
    fn file_names_are_unique_within_a_recipe() {
        let recipe = image();
        let names: HashSet<_> = recipe.outputs().map(Output::file_name).collect();
        assert_eq!(names.len(), recipe.outputs().count());
        assert!(names.contains("full.webp") && names.contains("thumbnail-1280.webp"));
    }
}
