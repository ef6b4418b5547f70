//! Dependencies that are down, for all workers to know.

use std::time::Duration;

use sqlx::PgConnection;

/// Opens a breaker, or notes that a probe has failed.
pub(crate) async fn open(
    connection: &mut PgConnection,
    dependency: &str,
    error: &str,
    probe_in: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO workflows.breakers (dependency, probe_at, error)
         VALUES ($1, clock_timestamp() + make_interval(secs => $3), $2)
         ON CONFLICT (dependency) DO UPDATE SET error = $2",
        dependency,
        error,
        probe_in.as_secs_f64(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Closes a breaker. Returns whether it was open.
pub(crate) async fn close(
    connection: &mut PgConnection,
    dependency: &str,
) -> Result<bool, sqlx::Error> {
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
) -> Result<bool, sqlx::Error> {
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
