//! The limit: what the database allows a hand-written loop that keeps the same durable truth, a
//! history row per step and the final state, and can do nothing else.

use std::time::Instant;

use anyhow::Result;
use serde_json::Value;
use sqlx::{Connection, FromRow, PgConnection};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{Bench, counter::rate, routes::STEPS};

const CONNECTIONS: usize = 4;
/// Runs advanced by one transaction.
const BATCH: i64 = 100;

const SCHEMA: &str = "
    CREATE TABLE runs (
        run_id     uuid        PRIMARY KEY,
        state      text        NOT NULL DEFAULT 'running',
        step       integer     NOT NULL DEFAULT 0,
        data       jsonb       NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        ended_at   timestamptz
    ) WITH (fillfactor = 50);
    CREATE INDEX running ON runs (run_id) WHERE state = 'running';
    CREATE TABLE history (
        run_id   uuid        NOT NULL,
        step     integer     NOT NULL,
        output   jsonb       NOT NULL,
        ended_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (run_id, step)
    );";

const CLAIM: &str = "
    SELECT run_id, step, data FROM runs WHERE state = 'running'
    ORDER BY run_id LIMIT $1 FOR UPDATE SKIP LOCKED";

const ADVANCE: &str = "
    WITH done AS (
        SELECT * FROM unnest($1::uuid[], $2::int[], $3::jsonb[]) AS d (run_id, step, output)
    ), recorded AS (
        INSERT INTO history (run_id, step, output) SELECT run_id, step, output FROM done
    )
    UPDATE runs SET
        step = done.step + 1,
        data = done.output,
        state = CASE WHEN done.step + 1 = $4 THEN 'succeeded' ELSE 'running' END,
        ended_at = CASE WHEN done.step + 1 = $4 THEN now() END
    FROM done WHERE runs.run_id = done.run_id";

#[derive(FromRow)]
struct Claimed {
    run_id: Uuid,
    step: i32,
    data: Value,
}

/// Steps per second.
pub async fn drain(bench: &Bench) -> Result<f64> {
    let database = bench.cluster.fresh().await?;
    let mut connection = database.connect().await?;
    sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
    let runs: Vec<Uuid> = (0..bench.options.raw_runs)
        .map(|_| Uuid::now_v7())
        .collect();
    let sql = "INSERT INTO runs (run_id, data)
               SELECT run_id, to_jsonb(n) FROM unnest($1::uuid[]) WITH ORDINALITY AS r (run_id, n)";
    sqlx::query(sql).bind(runs).execute(&mut connection).await?;
    connection.close().await?;
    database.settle().await?;

    let began = Instant::now();
    let mut loops = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mut connection = database.connect().await?;
        loops.spawn(async move {
            while advance(&mut connection).await? > 0 {}
            Ok(())
        });
    }
    while let Some(ended) = loops.join_next().await {
        let ended: Result<()> = ended?;
        ended?;
    }
    let took = began.elapsed();
    bench.cluster.remove(database).await?;
    Ok(rate(bench.options.raw_runs * STEPS, took))
}

/// One transaction: claims, does the step (nothing), and writes what came of it.
async fn advance(connection: &mut PgConnection) -> Result<usize> {
    let mut tx = connection.begin().await?;
    let query = sqlx::query_as(CLAIM).bind(BATCH);
    let claimed: Vec<Claimed> = query.fetch_all(&mut *tx).await?;
    let count = claimed.len();
    let (mut ids, mut steps, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
    for run in claimed {
        ids.push(run.run_id);
        steps.push(run.step);
        outputs.push(run.data);
    }
    let query = sqlx::query(ADVANCE).bind(ids).bind(steps).bind(outputs);
    query.bind(i32::try_from(STEPS)?).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(count)
}
