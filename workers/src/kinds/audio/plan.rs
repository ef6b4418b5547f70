//! What is to be made of a sound. No I/O.

use std::time::Duration;

use codecs::{OutputSpec, RenderPlan};
use media::formats::OutputFormat;
use media::recipes::audio::{self as recipe, Unit as Family};
use media::variants::VariantKind;
use sandbox::Limits;
use serde::{Deserialize, Serialize};
use video::audio::{AudioPlan, AudioSettings, AudioTask, Bitrates};

use super::Probe;
use crate::kinds;

/// Threads of one call of a tool: decoders of sound have no use for more.
pub const THREADS: u32 = 1;

/// One task of the plan, with the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    pub task: AudioTask,
    pub plan: AudioPlan,
}

impl Unit {
    /// The longest that any may take.
    const LONGEST: Duration = Duration::from_hours(24);
    /// Fetching the sound and storing what was made of it.
    const CARRYING: Duration = Duration::from_mins(30);

    /// What a call of a tool may use.
    pub fn limits(&self) -> Limits {
        self.plan.limits(self.task)
    }

    /// How long an attempt may take: fetching the sound, two tries, and storing.
    pub fn timeout(&self) -> Duration {
        let working = self.limits().wall.saturating_mul(2);
        working.saturating_add(Self::CARRYING).min(Self::LONGEST)
    }
}

/// The plan's tasks, each for a task of its own.
pub fn plan(probe: &Probe) -> kinds::Plan {
    let unit = |task| Unit {
        task,
        plan: probe.plan.clone(),
    };
    let tasks = probe.plan.tasks().into_iter();
    kinds::Plan {
        recipe: probe.recipe.clone(),
        units: tasks
            .map(|task| kinds::Unit::Audio(Box::new(unit(task))))
            .collect(),
    }
}

/// What the recipe says of a sound.
pub fn settings() -> AudioSettings {
    let mut settings = AudioSettings {
        bitrates: Bitrates {
            mono: [48_000, 96_000],
            stereo: [64_000, 160_000],
        },
        segment_seconds: 6,
        waveform_pixels: 65_536,
    };
    for family in recipe::recipe().units {
        match family {
            Family::Played {
                mono_bitrates,
                stereo_bitrates,
                segment_seconds,
            } => {
                settings.bitrates = Bitrates {
                    mono: mono_bitrates,
                    stereo: stereo_bitrates,
                };
                settings.segment_seconds = segment_seconds;
            }
            Family::Waveform { pixels } => settings.waveform_pixels = pixels,
            Family::Covers { .. } => {}
        }
    }
    settings
}

/// What the decoder of pictures is told to make of a cover.
pub fn covers() -> RenderPlan {
    let mut outputs = Vec::new();
    for family in recipe::recipe().units {
        if let Family::Covers {
            widths,
            quality,
            effort,
        } = family
        {
            outputs.extend(widths.into_iter().map(|width| OutputSpec {
                name: format!("{}-{width}", VariantKind::Cover.as_str()),
                max_width: Some(width),
                quality,
                method: effort,
            }));
        }
    }
    RenderPlan {
        outputs,
        placeholder: true,
        ..RenderPlan::default()
    }
}

/// The file of the cover that the decoder calls `name`.
pub fn cover_file(name: &str) -> String {
    format!("{name}.{}", OutputFormat::Webp.extension())
}
