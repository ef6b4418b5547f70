//! Before a deploy: what could this build not go on with, and what will not go on beside it?
//!
//! [`problems`] compares three things: what a build can do ([`Build`]), the work in flight with what
//! was said of its steps when it was written, and what the workers that are there can do.

mod compare;
mod decode;
mod problem;
mod read;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, fmt};

use serde_json::Value;
use sqlx::PgPool;

use crate::{
    admin::AdminError,
    define::{
        shape::{RouteStep, route},
        workflow::{Accepts, Workflow},
    },
};
pub use problem::{Problem, Severity, Spot, Work};

/// What a build can do, for [`problems`].
#[derive(Clone, Default)]
pub struct Build {
    steps: Vec<Known>,
    queues: Option<BTreeSet<String>>,
}

/// A step that a build has.
#[derive(Clone)]
struct Known {
    workflow: &'static str,
    version: i32,
    step: RouteStep,
    accepts: Accepts,
}

impl Build {
    /// Adds a workflow that the build has.
    #[must_use]
    pub fn with<I, C>(mut self, workflow: &Workflow<I, C>) -> Self {
        let definition = &workflow.definition;
        let shapes = route(definition).into_iter();
        let steps = shapes.zip(&definition.steps).map(|(step, same)| Known {
            workflow: definition.name,
            version: definition.version,
            step,
            accepts: same.accepts,
        });
        self.steps.extend(steps);
        self
    }

    /// Says which queues the build's workers will serve, as in [`crate::engine::config::EngineConfig::queues`].
    #[must_use]
    pub fn serving(mut self, queues: &[(String, usize)]) -> Self {
        let served = queues.iter().filter(|(_, slots)| *slots > 0);
        let served = served.map(|(queue, _)| queue.clone());
        self.queues.get_or_insert_default().extend(served);
        self
    }

    fn find(&self, spot: &Spot) -> Option<&Known> {
        let mut steps = self.steps.iter();
        steps.find(|known| known.is_at(spot))
    }
}

impl fmt::Debug for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.steps.iter().map(|known| known.spot().to_string());
        f.debug_struct("Build")
            .field("steps", &steps.collect::<Vec<_>>())
            .field("queues", &self.queues)
            .finish()
    }
}

impl Known {
    fn spot(&self) -> Spot {
        Spot {
            workflow: self.workflow.to_owned(),
            version: self.version,
            step: self.step.step.to_owned(),
        }
    }

    fn is_at(&self, spot: &Spot) -> bool {
        (self.workflow, self.version, self.step.step)
            == (&*spot.workflow, spot.version, &*spot.step)
    }
}

/// Lists what keeps `build` from replacing the builds at work, the gravest first. The engine's own
/// scheduled work is known to every build.
pub async fn problems(pool: &PgPool, build: &Build) -> Result<Vec<Problem>, AdminError> {
    let found = read::found(pool).await?;
    let samples = read::samples(pool).await?;
    let mut problems = compare::compare(build, &found);
    problems.extend(decode::undecodable(build, &samples));
    problems.sort_by_key(|problem| (problem.severity(), problem.spot().clone()));
    Ok(problems)
}

/// Whether a worker with these capabilities, as it recorded them at its start, can run the step.
pub(super) fn knows(knows: &Value, workflow: &str, version: i32, step: &str) -> bool {
    let mut offers = compare::offers(knows);
    offers.any(|offer| (offer.workflow, offer.version, offer.step) == (workflow, version, step))
}
