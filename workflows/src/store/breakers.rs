//! Dependencies that are down, for all workers to know.

use crate::define::ids::LaneId;
use crate::store::error::StoreError;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

/// Of a breaker nothing was heard for so long: no task that needs it has failed, and none has succeeded.
const FORGOTTEN: Duration = Duration::from_mins(5);

/// Opens a breaker, or notes that a probe has failed. `lanes` are those in which tasks have failed.
pub(crate) async fn open(
    connection: &mut PgConnection,
    dependency: &str,
    error: &str,
    lanes: &[LaneId],
    probe_in: Duration,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO workflows.breakers AS b (dependency, probe_at, error, lanes)
         VALUES ($1, clock_timestamp() + make_interval(secs => $3), $2, $4)
         ON CONFLICT (dependency) DO UPDATE
         SET error = $2, failed_at = clock_timestamp(),
             lanes = ARRAY(SELECT DISTINCT unnest(b.lanes || $4))",
        dependency,
        error,
        probe_in.as_secs_f64(),
        lanes as &[LaneId],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Closes a breaker. Returns whether it was open.
pub(crate) async fn close(
    connection: &mut PgConnection,
    dependency: &str,
) -> Result<bool, StoreError> {
    let closed = sqlx::query!(
        "DELETE FROM workflows.breakers WHERE dependency = $1",
        dependency
    );
    Ok(closed.execute(connection).await?.rows_affected() > 0)
}

/// Takes the right to let one task try, if it is time and nobody else has. The time between two
/// probes doubles up to `longest`.
pub(crate) async fn probe(
    connection: &mut PgConnection,
    dependency: &str,
    first: Duration,
    longest: Duration,
) -> Result<bool, StoreError> {
    let taken = sqlx::query!(
        "UPDATE workflows.breakers
         SET probes = probes + 1,
             probe_at = clock_timestamp()
                        + make_interval(secs => least($2 * power(2, least(probes, 20)), $3))
         WHERE dependency = $1 AND probe_at <= clock_timestamp()",
        dependency,
        first.as_secs_f64(),
        longest.as_secs_f64(),
    );
    Ok(taken.execute(connection).await?.rows_affected() > 0)
}

/// Closes those of which nothing was heard for some minutes: whoever knew of it may be gone.
pub(crate) async fn forget(connection: &mut PgConnection) -> Result<(), StoreError> {
    let forgotten = sqlx::query!(
        "DELETE FROM workflows.breakers
         WHERE failed_at < clock_timestamp() - make_interval(secs => $1)",
        FORGOTTEN.as_secs_f64(),
    );
    forgotten.execute(connection).await?;
    Ok(())
}

/// An open breaker.
pub(crate) struct Open {
    pub dependency: String,
    pub since: DateTime<Utc>,
    pub probe_at: DateTime<Utc>,
    pub error: String,
    pub lanes: Vec<LaneId>,
}

/// The open breakers, by name.
pub(crate) async fn list(pool: &PgPool) -> Result<Vec<Open>, StoreError> {
    Ok(sqlx::query_as!(
        Open,
        r#"SELECT dependency, opened_at AS since, probe_at, error, lanes AS "lanes: Vec<LaneId>"
           FROM workflows.breakers ORDER BY dependency"#
    )
    .fetch_all(pool)
    .await?)
}
