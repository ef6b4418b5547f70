//! What is made of an image: a full-size WebP, and thumbnails of four widths; by configuration, both as AVIF, too, and a
//! JPEG with a gain map.

mod avif;
mod full;
mod hdr;
mod thumbnails;

use serde::{Deserialize, Serialize};

use super::{Extras, Recipe};
use crate::formats::{Kind, OutputFormat};
use crate::variants::VariantKind;

/// Raised when the same recipe text would make other bytes, such as after a change of encoder.
const REVISION: u32 = 2;

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
    /// The image at its own size, with a gain map.
    Hdr,
    /// The image at its own size, as AVIF.
    FullAvif,
    /// The small versions, as AVIF.
    ThumbnailsAvif,
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

/// Everything that is made of a picture. A unit that does not suit it is not planned.
pub fn recipe(extras: Extras) -> Recipe<Unit> {
    let mut names = vec![UnitName::Full, UnitName::Thumbnails];
    if extras.image_avif {
        names.extend([UnitName::FullAvif, UnitName::ThumbnailsAvif]);
    }
    names.extend(extras.image_hdr.then_some(UnitName::Hdr));
    Recipe {
        revision: REVISION,
        kind: Kind::Image,
        units: names.into_iter().map(unit).collect(),
    }
}

/// The unit of that name, whether it is made of every picture or not.
pub fn unit(name: UnitName) -> Unit {
    match name {
        UnitName::Full => full::unit(),
        UnitName::Thumbnails => thumbnails::unit(),
        UnitName::Hdr => hdr::unit(),
        UnitName::FullAvif => avif::full(),
        UnitName::ThumbnailsAvif => avif::thumbnails(),
    }
}

impl Recipe<Unit> {
    /// Every output of every unit.
    pub fn outputs(&self) -> impl Iterator<Item = &Output> {
        self.units.iter().flat_map(|unit| &unit.outputs)
    }
}

impl Output {
    /// Its name within the recipe, such as `thumbnail-320`.
    pub fn name(&self) -> String {
        let kind = self.kind.as_str();
        match self.max_width {
            Some(width) => format!("{kind}-{width}"),
            None => kind.to_owned(),
        }
    }

    /// Last segment of the key, such as `thumbnail-320.webp`. Unique within a recipe.
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.name(), self.format.extension())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_hash_changes_only_on_purpose() {
        // Changing the recipe changes every key: update this together with the recipe.
        assert_eq!(
            recipe(Extras::default()).hash().to_string(),
            "e3d842c4ad91700c"
        );
    }

    #[test]
    fn file_names_are_unique_within_a_recipe() {
        let recipe = recipe(Extras {
            image_hdr: true,
            image_avif: true,
            ..Extras::default()
        });
        let names: HashSet<_> = recipe.outputs().map(Output::file_name).collect();
        assert_eq!(names.len(), recipe.outputs().count());
        assert!(names.contains("full.webp") && names.contains("thumbnail-1280.webp"));
        assert!(names.contains("hdr.jpg"));
        assert!(names.contains("full.avif") && names.contains("thumbnail-1280.avif"));
    }
}
