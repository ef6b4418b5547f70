//! What a claim costs, by how much is waiting.
//!
//! The engine's own statement, with the settings of the engine's own connection, in transactions
//! that are rolled back, on three databases in turn.

use std::time::Instant;

use anyhow::Result;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::{Bench, counter::Counter, database::Database, ours, report::Samples, routes};

const CLAIM: &str = include_str!("../../../workflows/src/store/claim.sql");
/// Free slots when the claim is made.
const SLOTS: i32 = 100;
const ROUNDS: usize = 200;
const MILLION: i64 = 1_000_000;

/// Copies the waiting task of each key until there are `$1` of them, each started a little later.
const FILL: &str = "
    WITH run AS (
        INSERT INTO workflows.runs (run_id, workflow, version, subject, fairness_key, input)
        SELECT gen_random_uuid(), workflow, version, subject, fairness_key, input
        FROM (SELECT * FROM workflows.runs LIMIT 20) first, generate_series(1, $1 / 20 - 1)
        RETURNING run_id, fairness_key),
    task AS (
        INSERT INTO workflows.tasks (task_id, run_id, input, lane, key, rank)
        SELECT gen_random_uuid(), r.run_id, '1', t.lane, hashtextextended(r.fairness_key, 0),
               t.rank + row_number() OVER ()
        FROM run r, (SELECT * FROM workflows.tasks LIMIT 1) t
        RETURNING lane, key, rank, task_id)";

struct Waiting {
    database: Database,
    connection: PgConnection,
    lane: i32,
    times: Samples,
}

pub async fn measure(bench: &mut Bench) -> Result<()> {
    let mut all = [
        waiting(bench, "1 k ready", 1_000, 0).await?,
        waiting(bench, "1 M ready", MILLION, 0).await?,
        waiting(bench, "1 k ready, 1 M deferred", 1_000, MILLION).await?,
    ];
    for _ in 0..ROUNDS {
        for waiting in &mut all {
            let took = claim(waiting).await?;
            waiting.times.push(took);
        }
    }
    for waiting in &all {
        waiting.times.print("ms");
    }
    let [few, ready, deferred] = all.each_ref().map(|waiting| waiting.times.median());
    let details = json!({
        "claimed": SLOTS, "1k_ms": few, "1m_ready_ms": ready, "1m_deferred_ms": deferred,
        "ratio_1m_deferred": deferred / few,
    });
    let worst = (ready / few).max(deferred / few);
    bench
        .report
        .add("claim_ratio_1m_1k", worst, "ratio", details);
    for waiting in all {
        waiting.connection.close().await?;
        bench.cluster.remove(waiting.database).await?;
    }
    Ok(())
}

async fn waiting(bench: &Bench, name: &'static str, ready: i64, deferred: i64) -> Result<Waiting> {
    let database = bench.cluster.fresh().await?;
    ours::prepare(&database).await?;
    let mut connection = database.connect().await?;
    ours::start(
        &mut connection,
        &routes::linear(&Counter::default()),
        20,
        20,
    )
    .await?;
    let sql =
        format!("{FILL} INSERT INTO workflows.ready SELECT lane, key, rank, task_id FROM task");
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(ready)
        .execute(&mut connection)
        .await?;
    if deferred > 0 {
        let sql = format!(
            "{FILL} INSERT INTO workflows.deferred SELECT now() + interval '1 day', task_id FROM task"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(deferred)
            .execute(&mut connection)
            .await?;
    }
    database.settle().await?;
    for setting in ["seqscan", "bitmapscan", "hashjoin", "mergejoin"] {
        let sql = format!("SET enable_{setting} = off");
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&mut connection)
            .await?;
    }
    sqlx::raw_sql(
        "SET jit = off; SET synchronous_commit = off; SET plan_cache_mode = force_generic_plan",
    )
    .execute(&mut connection)
    .await?;
    let lane = sqlx::query_scalar("SELECT lane FROM workflows.tasks LIMIT 1")
        .fetch_one(&mut connection)
        .await?;
    Ok(Waiting {
        database,
        connection,
        lane,
        times: Samples::of(name),
    })
}

/// Milliseconds of one claim.
async fn claim(waiting: &mut Waiting) -> Result<f64> {
    let mut tx = waiting.connection.begin().await?;
    let query = sqlx::query(CLAIM)
        .bind(vec![waiting.lane])
        .bind(vec!["default"])
        .bind(vec![0])
        .bind(vec![SLOTS])
        .bind(vec![i64::MIN])
        .bind(vec![3])
        .bind(1_i64)
        .bind(30.0_f64)
        .bind(true)
        .bind(Vec::<i32>::new())
        .bind(Vec::<i64>::new())
        .bind(Vec::<i64>::new());
    let began = Instant::now();
    let claimed = query.fetch_all(&mut *tx).await?;
    let took = began.elapsed();
    anyhow::ensure!(claimed.len() == 100, "a claim brought {}", claimed.len());
    tx.rollback().await?;
    Ok(took.as_secs_f64() * 1000.0)
}
