//! The look around that every worker takes at intervals: one cheap statement.

use std::time::Duration;

use sqlx::PgConnection;

use crate::define::ids::{LaneId, WorkerId};
use crate::store::error::StoreError;
use crate::store::presence;

/// What a look found.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one row of a query, one thing to see to each"
)]
pub(crate) struct ScanResult {
    /// Idle lanes that have something to claim.
    pub ready: Vec<LaneId>,
    /// Tasks that were in a process when it died wait to be tried apart from others.
    pub suspects: bool,
    /// Tasks are due.
    pub due: bool,
    /// Workers whose presence lock is not held by anybody.
    pub absent: Vec<WorkerId>,
    /// There are other workers.
    pub company: bool,
    /// Leases have expired.
    pub expired: bool,
    /// Schedules that are due, of any build.
    pub schedules: Vec<String>,
    /// A re-drive of many has work to do.
    pub redrives: bool,
    /// Dependencies that are down, and those of them that may be tried again.
    pub down: Vec<String>,
    pub probes: Vec<String>,
    /// Queues that have limits over all processes.
    pub limited: Vec<String>,
    /// The server was started or promoted not long ago, or nobody has noted yet that it was: that
    /// workers are absent and leases expired says nothing.
    pub fresh_server: bool,
    /// Start and timeline of the server.
    pub server: String,
    /// Nobody has noted yet that it is this server.
    pub unnoted: bool,
}

/// What a look is for.
pub(crate) struct View<'a> {
    pub worker_id: WorkerId,
    /// Lanes in which nobody here has looked lately.
    pub idle: &'a [LaneId],
    /// Lanes that this build knows.
    pub all: &'a [LaneId],
    /// Leases are read when a worker has not been seen for so long: a live one renews its own.
    pub stale: Duration,
    /// They are read in any case: those of a claim whose answer was lost expire too.
    pub thoroughly: bool,
    /// What workers get to come back after a start or promotion of the server.
    pub coming_back: Duration,
}

/// Takes a look at all there is to see to.
pub(crate) async fn scan(
    connection: &mut PgConnection,
    view: &View<'_>,
) -> Result<ScanResult, StoreError> {
    Ok(sqlx::query_as!(
        ScanResult,
        r#"WITH server AS MATERIALIZED (
            SELECT extract(epoch FROM pg_postmaster_start_time())::text
                   || '/' || CASE WHEN pg_is_in_recovery() THEN 'standby'
                                  ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END AS identity)
           SELECT ARRAY(SELECT l.lane FROM unnest($1::int[]) AS l (lane) CROSS JOIN LATERAL (
                      SELECT FROM workflows.ready r WHERE r.lane = l.lane ORDER BY r.key LIMIT 1) first) AS "ready!: Vec<LaneId>",
                  EXISTS (SELECT FROM workflows.suspects WHERE lane = ANY($5)) AS "suspects!",
                  EXISTS (SELECT FROM workflows.deferred WHERE due_at <= now()) AS "due!",
                  ARRAY(SELECT worker_id FROM workflows.live_workers w
                        WHERE worker_id <> $7 AND NOT EXISTS (
                            SELECT FROM pg_locks l
                            WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
                              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                              AND l.classid = $2::int::oid AND l.objid = (w.worker_id % 4294967296)::text::oid)) AS "absent!: Vec<WorkerId>",
                  EXISTS (SELECT FROM workflows.live_workers WHERE worker_id <> $7) AS "company!",
                  ($4 OR EXISTS (SELECT FROM workflows.live_workers
                                 WHERE seen_at < now() - make_interval(secs => $3)))
                  AND EXISTS (SELECT FROM workflows.leases WHERE expires_at < now()) AS "expired!",
                  ARRAY(SELECT name FROM workflows.schedules WHERE next_at <= now()) AS "schedules!",
                  EXISTS (SELECT FROM workflows.redrives WHERE ended_at IS NULL) AS "redrives!",
                  ARRAY(SELECT dependency FROM workflows.breakers) AS "down!",
                  ARRAY(SELECT dependency FROM workflows.breakers WHERE probe_at <= now()) AS "probes!",
                  ARRAY(SELECT queue FROM workflows.limits) AS "limited!",
                  NOT EXISTS (SELECT FROM workflows.servers s
                              WHERE s.identity = server.identity
                                AND s.since < now() - make_interval(secs => $6)) AS "fresh_server!",
                  NOT EXISTS (SELECT FROM workflows.servers s
                              WHERE s.identity = server.identity) AS "unnoted!",
                  server.identity AS "server!"
           FROM server"#,
        view.idle as &[LaneId],
        presence::PRESENCE,
        view.stale.as_secs_f64(),
        view.thoroughly,
        view.all as &[LaneId],
        view.coming_back.as_secs_f64(),
        view.worker_id.0,
    )
    .fetch_one(connection)
    .await?)
}

/// Notes that the server is not the one it was.
pub(crate) async fn note_server(
    connection: &mut PgConnection,
    identity: &str,
) -> Result<(), StoreError> {
    // Where it is the first ever, nobody can have been lost with the one before.
    sqlx::query!(
        "INSERT INTO workflows.servers (identity, since) VALUES ($1, '-infinity')
         ON CONFLICT (one) DO UPDATE SET identity = $1, since = clock_timestamp()
         WHERE servers.identity <> $1",
        identity,
    )
    .execute(connection)
    .await?;
    Ok(())
}
