//! Which pictures to make of an image, and at what size.

use std::collections::HashSet;

use media::Placeholder;
use serde::{Deserialize, Serialize};

/// The longest side a WebP picture can have (RFC 9649 §2.5).
const WEBP_MAX_SIDE: u32 = 16_383;

/// What is wanted of one image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderPlan {
    /// At most 32, with names of their own.
    pub outputs: Vec<OutputSpec>,
    /// How all of them are encoded.
    pub encoding: Encoding,
    /// Whether the pictures say whose they are and how they may be used, as the file does: creator, credit, copyright,
    /// usage terms, web statement and licensor, and nothing else.
    pub keep_rights: bool,
    /// Whether to make what is shown while a picture is loading.
    pub placeholder: bool,
}

/// How pictures are encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// WebP, by our own code.
    #[default]
    Webp,
    /// AVIF, by ffmpeg. Of still pictures only; no placeholder is made.
    Avif,
}

/// One picture wanted: `<name>.webp` or `<name>.avif`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputSpec {
    /// 1 to 64 of `a-z`, `0-9`, `-` and `_`. Chosen by us, never taken from a user.
    pub name: String,
    /// Width in pixels; none for the width of the source. A picture is never enlarged: an output
    /// wider than the source is left out, but the narrowest of a plan is always made, at the
    /// source's size if need be.
    pub max_width: Option<u32>,
    /// The encoder's quality, 0 to 100.
    pub quality: u8,
    /// The encoder's effort, 0 (fast, large) to 6 (slow, small).
    pub method: u8,
}

/// One picture made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderedImage {
    /// The output's name in the plan.
    pub name: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Size of the file in bytes.
    pub size_bytes: u64,
}

/// All that was made of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    /// The pictures, in no particular order.
    pub pictures: Vec<RenderedImage>,
    /// Whether the file ends before its picture does. What is missing was made up, as in browsers.
    pub is_cut: bool,
    /// Whether the file is an animation, and the pictures are its first frame only: all would be too many.
    pub is_first_frame: bool,
    /// What to show while a picture is loading, if it is wanted.
    pub placeholder: Option<Placeholder>,
}

/// An output that will be made, and its size.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) index: usize,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl RenderPlan {
    /// The file that the picture of that name is written to.
    pub(crate) fn file_name(&self, name: &str) -> String {
        match self.encoding {
            Encoding::Webp => format!("{name}.webp"),
            Encoding::Avif => format!("{name}.avif"),
        }
    }

    /// The files that its pictures are written to.
    pub(crate) fn file_names(&self) -> Vec<String> {
        let names = self.outputs.iter();
        names.map(|output| self.file_name(&output.name)).collect()
    }

    /// Refuses a plan that could not be carried out for any image.
    pub(crate) fn validate(&self) -> Result<(), &'static str> {
        let name_is_safe = |name: &str| {
            let safe = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
            (1..=64).contains(&name.len()) && name.bytes().all(safe)
        };
        let names: HashSet<_> = self.outputs.iter().map(|output| &output.name).collect();
        let all = |test: fn(&OutputSpec) -> bool| self.outputs.iter().all(test);
        if !(1..=32).contains(&self.outputs.len()) {
            Err("a plan has 1 to 32 outputs")
        } else if !names.iter().all(|name| name_is_safe(name)) {
            Err("an output's name is 1 to 64 of a-z, 0-9, - and _")
        } else if names.len() != self.outputs.len() {
            Err("two outputs have the same name")
        } else if !all(|output| output.max_width != Some(0)) {
            Err("an output has no width")
        } else if !all(|output| output.quality <= 100 && output.method <= 6) {
            Err("quality is 0 to 100 and method 0 to 6")
        } else if self.encoding == Encoding::Avif && self.placeholder {
            Err("a placeholder is made with WebP only")
        } else {
            Ok(())
        }
    }

    /// The outputs that suit a picture of this displayed size, widest first.
    pub(super) fn targets(&self, width: u32, height: u32) -> Vec<Target> {
        let narrowest = self
            .outputs
            .iter()
            .filter_map(|output| output.max_width)
            .min();
        let fits = |limit: u32| limit <= width || Some(limit) == narrowest;
        let mut targets: Vec<_> = (self.outputs.iter().enumerate())
            .filter(|(_, output)| output.max_width.is_none_or(fits))
            .map(|(index, output)| {
                let limit = output.max_width.unwrap_or(width);
                let (width, height) = scaled(width, height, limit);
                Target {
                    index,
                    width,
                    height,
                }
            })
            .collect();
        targets.sort_by_key(|target| std::cmp::Reverse(target.width));
        targets
    }
}

/// Width and height in pixels of an output that keeps those of the source: the same, as far as a WebP can hold it.
pub fn full_size(width: u32, height: u32) -> (u32, u32) {
    scaled(width, height, width)
}

/// The largest size of the same shape within `max_width` and what WebP can hold, at least 1 x 1.
fn scaled(width: u32, height: u32, max_width: u32) -> (u32, u32) {
    let by_width = f64::from(max_width.min(WEBP_MAX_SIDE)) / f64::from(width);
    let by_height = f64::from(WEBP_MAX_SIDE) / f64::from(height);
    let factor = by_width.min(by_height).min(1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a side times a factor of 0 to 1 is a side"
    )]
    let side = |side: u32| ((f64::from(side) * factor).round() as u32).max(1);
    (side(width), side(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(widths: &[Option<u32>]) -> RenderPlan {
        let output = |(index, &max_width): (usize, &Option<u32>)| OutputSpec {
            name: format!("w{index}"),
            max_width,
            quality: 80,
            method: 4,
        };
        RenderPlan {
            outputs: widths.iter().enumerate().map(output).collect(),
            ..RenderPlan::default()
        }
    }

    fn sizes(widths: &[Option<u32>], width: u32, height: u32) -> Vec<(usize, u32, u32)> {
        let targets = plan(widths).targets(width, height);
        targets
            .iter()
            .map(|t| (t.index, t.width, t.height))
            .collect()
    }

    #[test]
    fn widest_come_first_and_none_is_wider_than_the_source() {
        let widths = [Some(128), Some(1280), Some(640), None];
        assert_eq!(
            sizes(&widths, 1000, 500),
            [(3, 1000, 500), (2, 640, 320), (0, 128, 64)]
        );
    }

    #[test]
    fn an_output_as_wide_as_the_source_is_made() {
        assert_eq!(
            sizes(&[Some(640), Some(320)], 640, 2),
            [(0, 640, 2), (1, 320, 1)]
        );
    }

    #[test]
    fn the_narrowest_output_is_made_even_of_a_tiny_source() {
        assert_eq!(sizes(&[Some(640), Some(128)], 5, 7), [(1, 5, 7)]);
    }

    #[test]
    fn no_side_is_longer_than_webp_allows_nor_shorter_than_one() {
        assert_eq!(sizes(&[None], 30_000, 3_000), [(0, 16_383, 1_638)]);
        assert_eq!(sizes(&[None], 300, 30_000), [(0, 164, 16_383)]);
        assert_eq!(sizes(&[Some(128)], 30_000, 1), [(0, 128, 1)]);
    }

    #[test]
    fn a_plan_that_cannot_be_carried_out_is_refused() {
        assert_eq!(plan(&[None, Some(1)]).validate(), Ok(()));
        for name in ["", "../up", "A", "a.b", &"a".repeat(65)] {
            let mut unsafe_name = plan(&[None]);
            name.clone_into(&mut unsafe_name.outputs[0].name);
            assert!(unsafe_name.validate().is_err(), "{name:?}");
        }
        let mut twice = plan(&[None, None]);
        "w0".clone_into(&mut twice.outputs[1].name);
        assert!(twice.validate().is_err());
        assert!(plan(&[]).validate().is_err());
        assert!(plan(&[Some(0)]).validate().is_err());
    }
}
