//! Runs that start by the clock.

use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::{Connection, PgConnection};

use crate::define::ids::RunId;
use crate::store::error::StoreError;
use crate::{define::run::StartError, protocol::failpoints::Failpoint, store::commit::commit};

/// Starts the run of a tick in the given transaction.
pub(crate) type StartTick =
    dyn for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<RunId, StartError>> + Send + Sync;

/// Enters a schedule whose first tick is one interval away; an existing one keeps its time.
pub(crate) async fn enter(
    connection: &mut PgConnection,
    name: &str,
    every: Duration,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO workflows.schedules (name, next_at)
         VALUES ($1, clock_timestamp() + make_interval(secs => $2))
         ON CONFLICT (name) DO UPDATE SET next_at = least(schedules.next_at, excluded.next_at)",
        name,
        every.as_secs_f64(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Fires a tick that is due, if no other worker is just doing it. Ticks that were missed make one
/// run together, and while the run of an earlier tick is going on there is none.
pub(crate) async fn fire(
    connection: &mut PgConnection,
    name: &str,
    every: Duration,
    start: &StartTick,
) -> Result<Option<RunId>, StartError> {
    let mut transaction = connection.begin().await?;
    let tx = &mut *transaction;
    let due = sqlx::query!(
        r#"SELECT coalesce((SELECT state = 'running' FROM workflows.runs r WHERE r.run_id = s.last_run), false)
                  AS "going_on!"
           FROM workflows.schedules s
           WHERE name = $1 AND next_at <= clock_timestamp() FOR UPDATE OF s SKIP LOCKED"#,
        name,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(due) = due else { return Ok(None) };
    let run = if due.going_on {
        None
    } else {
        Some(start(&mut *tx).await?)
    };
    sqlx::query!(
        "UPDATE workflows.schedules
         SET next_at = next_at + make_interval(secs => $2 * ceil(
                 (extract(epoch FROM clock_timestamp() - next_at)::float8 + 0.001) / $2)),
             last_run = coalesce($3, last_run)
         WHERE name = $1",
        name,
        every.as_secs_f64(),
        run.map(|run| run.0),
    )
    .execute(&mut *tx)
    .await?;
    commit(transaction, &[Failpoint::Schedule]).await?;
    Ok(run)
}
