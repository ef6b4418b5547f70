//! Every SQL statement of the engine, one function a statement or transaction. All but a few that say why
//! are checked at compile time. Lock order is the same everywhere: runs, then leases, each by ascending id.

pub(crate) mod attempts;
pub(crate) mod audit;
pub(crate) mod breakers;
pub(crate) mod claim;
pub(crate) mod clear;
pub(crate) mod commit;
pub(crate) mod complete;
pub(crate) mod connection;
mod dead_letters;
pub(crate) mod depths;
mod effects;
pub(crate) mod ends;
pub mod error;
pub(crate) mod events;
pub(crate) mod fan_out;
mod fence;
pub(crate) mod hints;
mod history;
pub(crate) mod hurry;
pub(crate) mod in_flight;
pub(crate) mod inspect;
pub(crate) mod lanes;
pub(crate) mod letters;
pub(crate) mod limits;
pub(crate) mod live_tasks;
pub(crate) mod lock;
pub(crate) mod presence;
pub(crate) mod queues;
pub(crate) mod redrives;
pub(crate) mod reports;
pub(crate) mod requeue;
pub(crate) mod rescue;
pub(crate) mod retention;
pub(crate) mod runs;
pub(crate) mod schedules;
pub(crate) mod schema;
pub(crate) mod session;
pub(crate) mod start;
pub(crate) mod started;
pub(crate) mod sweep;
pub(crate) mod tasks;
pub(crate) mod weather;
pub(crate) mod workers;
mod writes;

use error::StoreError;

use crate::define::ids::LaneId;
use crate::protocol::stop::Stop;

/// The channel on which commits that made work ready are announced, with the lane as payload.
pub(crate) const CHANNEL: &str = "workflows_ready";
/// The channel on which runs are announced whose attempts have to stop, with a `Stop` as payload.
pub(crate) const CANCELLED: &str = "workflows_cancelled";

/// Tells all workers of lanes with new work. A hint: never part of the transaction that made it,
/// because `NOTIFY` holds a lock of the whole server until the commit is on disk, and fails when
/// somebody else's listener has let the queue of notifications fill up.
pub(crate) async fn notify(
    connection: &mut sqlx::PgConnection,
    lanes: &[LaneId],
) -> Result<(), StoreError> {
    if !lanes.is_empty() {
        sqlx::query!(
            "SELECT pg_notify($1, lane::text) FROM (SELECT DISTINCT unnest($2::int[]) AS lane) l",
            CHANNEL,
            lanes as &[LaneId]
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Sends a word that a listener on the same session must hear.
pub(crate) async fn notify_probe(
    listener: &mut sqlx::postgres::PgListener,
    word: &str,
) -> Result<(), StoreError> {
    sqlx::query!("SELECT pg_notify($1, $2)", CHANNEL, word)
        .execute(listener)
        .await?;
    Ok(())
}

/// The same by the names of queues, as the newest builds have them.
pub(crate) async fn notify_queues(
    connection: &mut sqlx::PgConnection,
    queues: &[String],
) -> Result<(), StoreError> {
    if !queues.is_empty() {
        sqlx::query!(
            "SELECT pg_notify($1, lane::text) FROM workflows.lanes WHERE queue = ANY($2)",
            CHANNEL,
            queues
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Tells all workers of runs whose attempts have to stop. A hint as well.
pub(crate) async fn notify_cancelled(
    connection: &mut sqlx::PgConnection,
    stops: &[Stop],
) -> Result<(), StoreError> {
    if !stops.is_empty() {
        let payloads: Vec<String> = stops.iter().map(Stop::to_string).collect();
        sqlx::query!(
            "SELECT pg_notify($1, stop) FROM unnest($2::text[]) stop",
            CANCELLED,
            &payloads
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}
