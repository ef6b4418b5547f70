//! What an idle worker process asks the database: every statement that its sessions send.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use sqlx::FromRow;

use crate::{Bench, counter::rate, ours, roles::Role, worker::Worker};

/// How long a worker is left alone before it counts as idle.
const SETTLING: Duration = Duration::from_secs(5);

#[derive(FromRow)]
struct Statement {
    calls: i64,
    query: String,
}

pub async fn measure(bench: &mut Bench) -> Result<()> {
    let database = bench.cluster.fresh().await?;
    ours::prepare(&database).await?;
    // In another database, so that the questions asked here are not counted.
    let mut admin = bench.cluster.admin().await?;
    let worker = Worker::spawn(&database, Role::Hanging)?;
    tokio::time::sleep(SETTLING).await;
    let sql = "SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE datname = $1";
    let reset = sqlx::query(sql).bind(&database.name);
    reset.execute(&mut admin).await?;
    let watched = Duration::from_secs(bench.options.idle_seconds);
    tokio::time::sleep(watched).await;
    let sql = "SELECT calls, left(regexp_replace(query, '\\s+', ' ', 'g'), 90) AS query
               FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
               WHERE datname = $1 ORDER BY calls DESC";
    let statements: Vec<Statement> = sqlx::query_as(sql)
        .bind(&database.name)
        .fetch_all(&mut admin)
        .await?;
    worker.stop().await?;
    bench.cluster.remove(database).await?;

    for statement in &statements {
        println!("{:6} × {}", statement.calls, statement.query);
    }
    let calls: i64 = statements.iter().map(|s| s.calls).sum();
    let per_second = rate(u64::try_from(calls)?, watched);
    let details = json!({"seconds": watched.as_secs(), "statements": calls});
    bench
        .report
        .add("idle_queries_per_s", per_second, "1/s", details);
    Ok(())
}
