//! The look around that every worker takes at intervals: one cheap statement.

use std::time::Duration;

use sqlx::PgConnection;

use super::presence;

/// What a look found.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one row of a query, one thing to see to each"
)]
pub(crate) struct Found {
    /// One of the given lanes has something to claim.
    pub ready: bool,
    /// Retries are due.
    pub due: bool,
    /// Workers whose presence lock is not held by anybody.
    pub absent: Vec<i64>,
    /// Leases have expired.
    pub expired: bool,
    /// Schedules that are due, of any build.
    pub schedules: Vec<String>,
    /// A re-drive of many has work to do.
    pub redrives: bool,
}

/// Looks whether one of `lanes` has something to claim, and for all the rest. Leases are read when a
/// worker has not been seen for `stale`, or `thoroughly`: a live worker renews its own, so others
/// cannot have expired but for those of a claim whose answer was lost.
pub(crate) async fn look(
    connection: &mut PgConnection,
    lanes: &[i32],
    stale: Duration,
    thoroughly: bool,
) -> Result<Found, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"SELECT EXISTS (SELECT FROM unnest($1::int[]) AS l (lane) CROSS JOIN LATERAL (
                      SELECT FROM workflows.ready r WHERE r.lane = l.lane ORDER BY r.key LIMIT 1) first) AS "ready!",
                  EXISTS (SELECT FROM workflows.deferred WHERE due_at <= now()) AS "due!",
                  ARRAY(SELECT worker_id FROM workflows.workers w
                        WHERE left_at IS NULL AND NOT EXISTS (
                            SELECT FROM pg_locks l
                            WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
                              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                              AND l.classid = $2::int::oid AND l.objid = (w.worker_id % 4294967296)::text::oid)) AS "absent!",
                  ($4 OR EXISTS (SELECT FROM workflows.workers WHERE left_at IS NULL
                                 AND seen_at < now() - make_interval(secs => $3)))
                  AND EXISTS (SELECT FROM workflows.leases WHERE expires_at < now()) AS "expired!",
                  ARRAY(SELECT name FROM workflows.schedules WHERE next_at <= now()) AS "schedules!",
                  EXISTS (SELECT FROM workflows.redrives WHERE ended_at IS NULL) AS "redrives!""#,
        lanes,
        presence::PRESENCE,
        stale.as_secs_f64(),
        thoroughly,
    )
    .fetch_one(connection)
    .await
}
