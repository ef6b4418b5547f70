//! What the database has, for the comparison.

use serde_json::Value;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::admin::check::{
    Spot, Work,
    compare::{Found, Lane, Worker},
    decode::Sample,
};

/// Inputs of one step that are tried.
const SAMPLES: i64 = 200;
/// Bytes of an input, as they are stored. Larger ones are not tried.
const SAMPLE_BYTES: i32 = 256 << 10;

#[derive(FromRow)]
struct LaneRow {
    workflow: String,
    version: i32,
    step: String,
    shape: Option<Value>,
    tasks: i64,
    letters: i64,
    joins: i64,
    runs: Vec<Uuid>,
}

/// Every step that some build has registered, with the work there, and the workers that are there.
pub(super) async fn found(pool: &PgPool) -> Result<Found, sqlx::Error> {
    // SQL to be checked
    let lanes = sqlx::query_as::<_, LaneRow>(
        "WITH place AS (
            SELECT lane, run_id, 'task' AS kind FROM workflows.tasks
            UNION ALL
            SELECT lane, run_id, 'letter' FROM workflows.dead_letters WHERE resolved_at IS NULL
            UNION ALL
            SELECT join_lane, run_id, 'join' FROM workflows.fan_outs),
         work AS (
            SELECT lane, count(*) FILTER (WHERE kind = 'task') AS tasks,
                   count(*) FILTER (WHERE kind = 'letter') AS letters,
                   count(*) FILTER (WHERE kind = 'join') AS joins,
                   (array_agg(run_id ORDER BY run_id))[1:10] AS runs
            FROM place GROUP BY lane)
         SELECT workflow, version, step, shape,
                coalesce(tasks, 0) AS tasks, coalesce(letters, 0) AS letters,
                coalesce(joins, 0) AS joins, coalesce(runs, '{}') AS runs
         FROM workflows.lanes LEFT JOIN work USING (lane)
         ORDER BY workflow, version, step",
    );
    // SQL to be checked
    let workers = sqlx::query_as::<_, (String, Value)>(
        "SELECT build, capabilities FROM workflows.live_workers ORDER BY worker_id",
    );
    let workers = workers.fetch_all(pool).await?.into_iter();
    let lanes = lanes.fetch_all(pool).await?.into_iter();
    Ok(Found {
        lanes: lanes.map(LaneRow::read).collect(),
        workers: workers
            .map(|(build, capabilities)| Worker {
                build,
                capabilities,
            })
            .collect(),
    })
}

impl LaneRow {
    fn read(self) -> Lane {
        Lane {
            spot: Spot {
                workflow: self.workflow,
                version: self.version,
                step: self.step,
            },
            // What an engine of another kind wrote is as good as nothing.
            shape: self
                .shape
                .and_then(|shape| serde_json::from_value(shape).ok()),
            work: Work {
                tasks: self.tasks,
                letters: self.letters,
                joins: self.joins,
                runs: self.runs,
            },
        }
    }
}

/// The newest inputs of each step.
pub(super) async fn samples(pool: &PgPool) -> Result<Vec<Sample>, sqlx::Error> {
    // The inputs are left out while the rows are sorted. SQL to be checked
    let samples = sqlx::query_as::<_, (String, i32, String, Uuid, String)>(
        "WITH place AS (
            SELECT lane, run_id, task_id, NULL::uuid AS letter_id FROM workflows.tasks
            UNION ALL
            SELECT lane, run_id, task_id, letter_id FROM workflows.dead_letters
            WHERE resolved_at IS NULL),
         sample AS (
            SELECT * FROM (
                SELECT *, row_number() OVER (PARTITION BY lane ORDER BY run_id DESC, task_id) AS nth
                FROM place) numbered
            WHERE nth <= $1)
         SELECT n.workflow, n.version, n.step, s.run_id, coalesce(t.input, d.input)::text
         FROM sample s
         JOIN workflows.lanes n USING (lane)
         LEFT JOIN workflows.tasks t ON s.letter_id IS NULL AND t.task_id = s.task_id
         LEFT JOIN workflows.dead_letters d ON d.letter_id = s.letter_id
         WHERE coalesce(pg_column_size(t.input), pg_column_size(d.input)) <= $2",
    );
    let samples = samples.bind(SAMPLES).bind(SAMPLE_BYTES).fetch_all(pool);
    let samples = samples.await?.into_iter();
    let sample = |(workflow, version, step, run_id, input)| Sample {
        spot: Spot {
            workflow,
            version,
            step,
        },
        run_id,
        input,
    };
    Ok(samples.map(sample).collect())
}
