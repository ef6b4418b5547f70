//! Before a deploy: which runs in flight could a build not go on with?

use sqlx::PgPool;
use uuid::Uuid;

use super::AdminError;
use crate::workflow::Workflow;

/// What a build can run, for [`unresumable`].
#[derive(Debug, Clone, Default)]
pub struct Build {
    steps: Vec<(String, i32, String)>,
}

impl Build {
    /// Adds a workflow that the build has.
    #[must_use]
    pub fn with<I>(mut self, workflow: &Workflow<I>) -> Self {
        let definition = &workflow.definition;
        let steps = definition.steps.iter().map(|step| {
            let (workflow, step) = (definition.name.to_owned(), step.name.to_owned());
            (workflow, definition.version, step)
        });
        self.steps.extend(steps);
        self
    }

    fn has(&self, workflow: &str, version: i32, step: &str) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|(w, v, s)| w == workflow && *v == version && s == step)
    }
}

/// Work at a step that a build does not have.
#[derive(Debug, Clone)]
pub struct Unresumable {
    /// Durable name of the workflow.
    pub workflow: String,
    /// Version that the runs were started with.
    pub version: i32,
    /// The step that they are at, or that they will join at.
    pub step: String,
    /// How many tasks, dead letters and joins.
    pub count: i64,
    /// Some of the runs.
    pub runs: Vec<Uuid>,
}

/// Lists what `build` could not go on with. Empty: it can replace the builds at work. The engine's
/// own scheduled work is known to every build.
pub async fn unresumable(pool: &PgPool, build: &Build) -> Result<Vec<Unresumable>, AdminError> {
    let places = sqlx::query_as!(
        Unresumable,
        r#"WITH place AS (
            SELECT lane, run_id FROM workflows.tasks
            UNION ALL
            SELECT lane, run_id FROM workflows.dead_letters WHERE resolved_at IS NULL
            UNION ALL
            SELECT join_lane, run_id FROM workflows.fan_outs)
         SELECT workflow, version, step AS "step!", count(*) AS "count!",
                (array_agg(run_id ORDER BY run_id))[1:10] AS "runs!"
         FROM place JOIN workflows.lanes USING (lane)
         GROUP BY workflow, version, step ORDER BY workflow, version, step"#
    );
    let mut places = places.fetch_all(pool).await?;
    places.retain(|place| {
        place.workflow != crate::runtime::UPKEEP
            && !build.has(&place.workflow, place.version, &place.step)
    });
    Ok(places)
}
