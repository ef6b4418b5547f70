//! What is to be made of an image. No I/O.

use std::time::Duration;

use codecs::{Encoding, OutputSpec, RenderPlan};
use media::formats::OutputFormat;
use media::recipes::Extras;
use media::recipes::image::{self, UnitName};
use serde::{Deserialize, Serialize};

use crate::kinds::{self, Plan};

/// One unit of the recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Its name there.
    pub name: UnitName,
}

impl Unit {
    /// How long an attempt may take: fetching the original, decoding, and storing.
    pub const TIMEOUT: Duration = Duration::from_mins(10);
}

/// The recipe's units, each for a task of its own.
pub fn plan(extras: Extras) -> Plan {
    let recipe = image::recipe(extras);
    let units = recipe.units.iter();
    Plan {
        recipe: recipe.hash(),
        units: units
            .map(|unit| kinds::Unit::Image(Unit { name: unit.name }))
            .collect(),
    }
}

/// What the decoder is told to make of a unit. The placeholder is made of the smallest picture there is.
pub fn render_plan(unit: &image::Unit, keep_rights: bool) -> RenderPlan {
    let outputs = unit.outputs.iter().map(|output| OutputSpec {
        name: output.name(),
        max_width: output.max_width,
        quality: output.quality,
        method: output.effort,
    });
    let is_avif = |output: &image::Output| output.format == OutputFormat::Avif;
    RenderPlan {
        outputs: outputs.collect(),
        encoding: if unit.outputs.iter().all(is_avif) {
            Encoding::Avif
        } else {
            Encoding::Webp
        },
        keep_rights,
        placeholder: unit.name == UnitName::Thumbnails,
    }
}

/// One small picture, of whatever is to be looked at only.
pub fn smallest() -> RenderPlan {
    let output = OutputSpec {
        name: "smallest".to_owned(),
        max_width: Some(128),
        quality: 0,
        method: 0,
    };
    RenderPlan {
        outputs: vec![output],
        placeholder: true,
        ..RenderPlan::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_of_the_recipe_is_planned_once() {
        let plan = plan(Extras::default());
        assert_eq!(plan.recipe, image::recipe(Extras::default()).hash());
        let unit = |name| kinds::Unit::Image(Unit { name });
        assert_eq!(
            plan.units,
            [unit(UnitName::Full), unit(UnitName::Thumbnails)]
        );
    }

    #[test]
    fn the_decoder_is_told_what_the_recipe_says() {
        for (name, expected) in [
            (UnitName::Full, vec![("full", None, 2)]),
            (
                UnitName::Thumbnails,
                vec![
                    ("thumbnail-1280", Some(1280), 4),
                    ("thumbnail-640", Some(640), 4),
                    ("thumbnail-320", Some(320), 4),
                    ("thumbnail-128", Some(128), 4),
                ],
            ),
        ] {
            let plan = render_plan(&image::unit(name), false);
            let told = plan.outputs.iter();
            let told: Vec<_> = told
                .map(|output| (output.name.as_str(), output.max_width, output.method))
                .collect();
            assert_eq!(told, expected);
        }
    }
}
