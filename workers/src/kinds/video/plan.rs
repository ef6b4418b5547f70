//! What is to be made of a film. No I/O.

use std::time::Duration;

use media::recipes::{Recipe, video::Unit as Family};
use sandbox::Limits;
use serde::{Deserialize, Serialize};
use video::encode;
use video::plan::{Plan, PlanSettings, Task};

use super::Probe;
use crate::kinds;

/// Threads of one call of a tool. There is a task for each processor, so more would only be in each other's way.
pub const THREADS: u32 = 1;

/// One task of the plan, with as much of the plan as it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Which task, as the whole plan numbers them.
    pub task: Task,
    /// The plan; of its chunks, none but the task's own.
    pub plan: Plan,
}

impl Unit {
    /// The longest that any may take.
    pub const LONGEST: Duration = Duration::from_hours(24);
    /// Fetching the film and storing what was made of it.
    const CARRYING: Duration = Duration::from_mins(30);

    fn new(plan: &Plan, task: Task) -> Self {
        let mut part = plan.clone();
        part.chunks = match task {
            Task::Chunk(number) => plan.chunks.get(number).copied().into_iter().collect(),
            _ => Vec::new(),
        };
        Self { task, plan: part }
    }

    /// The task, as this part of the plan numbers them.
    pub fn task_here(&self) -> Task {
        match self.task {
            Task::Chunk(_) => Task::Chunk(0),
            other => other,
        }
    }

    /// What each call of a tool may use.
    pub fn limits(&self) -> Limits {
        encode::limits(&self.plan, self.task_here(), THREADS)
    }

    /// How long an attempt may take: fetching the film, two tries, and storing.
    pub fn timeout(&self) -> Duration {
        let working = self.limits().wall.saturating_mul(2);
        working.saturating_add(Self::CARRYING).min(Self::LONGEST)
    }
}

/// The plan's tasks, each for a task of its own.
pub fn plan(probe: &Probe) -> kinds::Plan {
    let tasks = probe.plan.tasks().into_iter();
    kinds::Plan {
        recipe: probe.recipe.clone(),
        units: tasks
            .map(|task| kinds::Unit::Video(Box::new(Unit::new(&probe.plan, task))))
            .collect(),
    }
}

/// What the recipe says, with the length of a chunk in seconds of one processor.
pub fn settings(recipe: Recipe<Family>, chunk_seconds: u32) -> PlanSettings {
    let mut settings = PlanSettings {
        chunk_cpu_seconds: chunk_seconds,
        ..PlanSettings::default()
    };
    for family in recipe.units {
        match family {
            Family::Hls {
                sides,
                segment_seconds,
                max_frame_rate,
            } => {
                settings.rungs = sides;
                settings.segment_seconds = segment_seconds;
                settings.max_frame_rate = max_frame_rate;
            }
            Family::Posters { widths } => settings.poster_widths = widths,
            Family::Storyboard { side } => settings.storyboard_side = side,
            Family::Mp4 { side } => settings.mp4_side = Some(side),
            Family::Preview => {}
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use media::recipes::{Extras, video::recipe};

    use super::*;

    #[test]
    fn plans_of_films_that_are_not_sent_yet_are_like_those_of_the_recipe() {
        let recipe = recipe(Extras::default());
        assert_eq!(settings(recipe, 60), PlanSettings::default());
    }
}
