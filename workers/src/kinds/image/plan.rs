//! What is to be made of an image. No I/O.

use std::time::Duration;

use codecs::{Encoding, HdrPlan, OutputSpec, RenderPlan};
use media::formats::OutputFormat;
use media::recipes::Extras;
use media::recipes::image::{self, UnitName};
use serde::{Deserialize, Serialize};

use super::Probe;
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

/// Those of the recipe's units that suit the image, each for a task of its own.
pub fn plan(probe: &Probe, extras: Extras) -> Plan {
    let recipe = image::recipe(extras);
    let suits = |unit: &&image::Unit| unit.name != UnitName::Hdr || probe.has_hdr;
    let units = recipe.units.iter().filter(suits);
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

/// The same of an output with a gain map.
pub fn hdr_plan(output: &image::Output, keep_rights: bool) -> HdrPlan {
    HdrPlan {
        quality: output.quality,
        keep_rights,
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
    use crate::kinds::image::check::tests::probe;

    #[test]
    fn the_units_that_suit_an_image_are_planned_once() {
        let all = Extras {
            image_hdr: true,
            ..Extras::default()
        };
        let unit = |name| kinds::Unit::Image(Unit { name });
        let always = [unit(UnitName::Full), unit(UnitName::Thumbnails)];
        for (extras, has_hdr, more) in [
            (Extras::default(), true, None),
            (all, false, None),
            (all, true, Some(unit(UnitName::Hdr))),
        ] {
            let probe = Probe { has_hdr, ..probe() };
            let plan = plan(&probe, extras);
            assert_eq!(plan.recipe, image::recipe(extras).hash());
            let expected: Vec<_> = always.iter().cloned().chain(more).collect();
            assert_eq!(plan.units, expected);
        }
    }

    #[test]
    fn a_picture_with_a_gain_map_is_looked_for_where_it_is_made() {
        let unit = image::unit(UnitName::Hdr);
        assert_eq!(unit.outputs[0].file_name(), codecs::HDR_FILE);
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
