//! What the database has, for the comparison.

use sqlx::PgPool;

use crate::store::error::StoreError;
use crate::{
    admin::check::{
        Spot, Work,
        compare::{Found, Lane, Worker},
        decode::Sample,
    },
    store::in_flight::{self, LaneRow},
};

/// Inputs of one step that are tried.
const SAMPLES: i64 = 200;
/// Bytes of an input, as they are stored. Larger ones are not tried.
const SAMPLE_BYTES: i32 = 256 << 10;

/// Every step that some build has registered, with the work there, and the workers that are there.
pub(super) async fn found(pool: &PgPool) -> Result<Found, StoreError> {
    let lanes = in_flight::lanes(pool).await?.into_iter();
    let workers = in_flight::capabilities(pool).await?.into_iter();
    Ok(Found {
        lanes: lanes.map(read).collect(),
        workers: workers
            .map(|(build, capabilities)| Worker {
                build,
                capabilities,
            })
            .collect(),
    })
}

fn read(row: LaneRow) -> Lane {
    Lane {
        spot: Spot {
            workflow: row.workflow,
            version: row.version,
            step: row.step,
        },
        // What an engine of another kind wrote is as good as nothing.
        shape: row
            .shape
            .and_then(|shape| serde_json::from_value(shape).ok()),
        work: Work {
            tasks: row.tasks,
            letters: row.letters,
            joins: row.joins,
            runs: row.runs,
        },
    }
}

/// The newest inputs of each step.
pub(super) async fn samples(pool: &PgPool) -> Result<Vec<Sample>, StoreError> {
    let samples = in_flight::inputs(pool, SAMPLES, SAMPLE_BYTES)
        .await?
        .into_iter();
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
