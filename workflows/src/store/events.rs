//! The stream of what happened to runs.

use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::define::ids::RunId;
use crate::store::error::StoreError;
use crate::{
    define::detail::Detail,
    protocol::{
        completion::{Completion, Decision, Next},
        failure::message_of,
        position::Position,
    },
    store::lanes::Lanes,
};

/// Rows removed by one statement.
const BATCH: i64 = 5_000;

/// Events to write.
#[derive(Default)]
struct Columns {
    runs: Vec<RunId>,
    workflows: Vec<String>,
    subjects: Vec<Uuid>,
    kinds: Vec<String>,
    details: Vec<Option<String>>,
}

impl Columns {
    fn add(&mut self, completion: &Completion, kind: &str, details: Option<String>) {
        let claim = &completion.claim;
        self.runs.push(claim.run_id);
        self.workflows.push(claim.lane.workflow.to_owned());
        self.subjects.push(claim.subject);
        self.kinds.push(kind.to_owned());
        self.details.push(details);
    }

    fn tell_of(&mut self, completion: &Completion, dead_runs: &HashSet<RunId>, detail: Detail) {
        let claim = &completion.claim;
        let step = claim.lane.step;
        match &completion.decision {
            Decision::Advance { next } => {
                if detail == Detail::Steps {
                    self.add(
                        completion,
                        "step_done",
                        Some(json!({ "step": step }).to_string()),
                    );
                }
                if let Next::End { .. } = next {
                    self.add(completion, "succeeded", None);
                }
            }
            Decision::Joined { .. } if detail == Detail::Steps => {
                let details = json!({ "step": step, "child": claim.child });
                self.add(completion, "step_done", Some(details.to_string()));
            }
            Decision::Reject { rejection, .. } => {
                let details =
                    json!({ "step": step, "code": rejection.code, "message": rejection.message });
                self.add(completion, "rejected", Some(details.to_string()));
            }
            Decision::DeadLetter { error, .. } if dead_runs.contains(&claim.run_id) => {
                let details = json!({ "step": step, "error": message_of(error) });
                self.add(completion, "dead", Some(details.to_string()));
            }
            _ => {}
        }
    }
}

/// Tells of a batch of completions, in its own transaction. One statement, if there is something to
/// tell. `dead_runs` are dead now and were not before.
pub(super) async fn tell(
    tx: &mut PgConnection,
    lanes: &Lanes,
    batch: &[&Completion],
    dead_runs: &HashSet<RunId>,
) -> Result<(), StoreError> {
    let mut columns = Columns::default();
    for completion in batch {
        let detail = lanes.events(&completion.claim.lane);
        if detail > Detail::None {
            columns.tell_of(completion, dead_runs, detail);
        }
    }
    if columns.runs.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO workflows.events (run_id, workflow, subject, kind, details)
         SELECT run_id, workflow, subject, kind, details::json
         FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[])
              WITH ORDINALITY AS e (run_id, workflow, subject, kind, details, place)
         ORDER BY place",
        &columns.runs as &[RunId],
        &columns.workflows,
        &columns.subjects,
        &columns.kinds,
        &columns.details as &[Option<String>],
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Tells of a start.
pub(super) async fn started(
    tx: &mut PgConnection,
    run_id: RunId,
    workflow: &str,
    subject: Uuid,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO workflows.events (run_id, workflow, subject, kind) VALUES ($1, $2, $3, 'started')",
        run_id.0,
        workflow,
        subject,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// An event as it is read.
pub(crate) struct Row {
    pub position: Position,
    pub run_id: RunId,
    pub workflow: String,
    pub subject: Uuid,
    pub kind: String,
    pub at: DateTime<Utc>,
    pub details: Option<String>,
}

/// What a look into the stream found.
pub(crate) struct Found {
    pub events: Vec<Row>,
    /// Some of what followed was removed.
    pub missed: bool,
    /// The server has never been so far.
    pub elsewhere: bool,
}

/// What is behind the line before which nothing can appear any more.
pub(crate) async fn read(pool: &PgPool, after: Position, limit: i64) -> Result<Found, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT e.xid AS "xid?", e.seq AS "seq?", e.run_id AS "run_id?", e.workflow AS "workflow?",
                  e.subject AS "subject?", e.kind AS "kind?", e.at AS "at?", e.details::text AS "details?",
                  now.missed AS "missed!", now.elsewhere AS "elsewhere!"
           FROM (SELECT EXISTS (SELECT FROM workflows.events_floor f WHERE (f.xid, f.seq) > ($1, $2)) AS missed,
                        $1 >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS elsewhere) now
           LEFT JOIN LATERAL (
               SELECT * FROM workflows.events
               WHERE (xid, seq) > ($1, $2)
                 AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
               ORDER BY xid, seq LIMIT $3) e ON true
           ORDER BY e.xid, e.seq"#,
        after.xid,
        after.seq,
        limit,
    )
    .fetch_all(pool)
    .await?;
    let mut found = Found {
        events: Vec::with_capacity(rows.len()),
        missed: rows.first().is_some_and(|row| row.missed),
        elsewhere: rows.first().is_some_and(|row| row.elsewhere),
    };
    for row in rows {
        let whole = || {
            Some(Row {
                position: Position {
                    xid: row.xid?,
                    seq: row.seq?,
                },
                run_id: RunId(row.run_id?),
                workflow: row.workflow?,
                subject: row.subject?,
                kind: row.kind?,
                at: row.at?,
                details: row.details,
            })
        };
        found.events.extend(whole());
    }
    Ok(found)
}

/// The last position before that line.
pub(crate) async fn end(pool: &PgPool) -> Result<Position, StoreError> {
    let xmin = sqlx::query_scalar!(
        r#"SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS "xmin!""#
    );
    Ok(Position {
        xid: xmin.fetch_one(pool).await? - 1,
        seq: i64::MAX,
    })
}

/// Removes events that are older than `age`, a bounded batch of the oldest, and notes up to where.
/// Returns how many; call again until there are none.
pub(crate) async fn prune(connection: &mut PgConnection, age: Duration) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"WITH oldest AS MATERIALIZED (
            SELECT xid, seq, at FROM workflows.events
            WHERE xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
            ORDER BY xid, seq LIMIT $2),
         gone AS (
            DELETE FROM workflows.events e USING oldest o
            WHERE (e.xid, e.seq) = (o.xid, o.seq) AND o.at < now() - make_interval(secs => $1)
            RETURNING e.xid, e.seq),
         floor AS (
            INSERT INTO workflows.events_floor AS f (xid, seq)
            SELECT xid, seq FROM gone ORDER BY xid DESC, seq DESC LIMIT 1
            ON CONFLICT (one) DO UPDATE SET xid = excluded.xid, seq = excluded.seq
            WHERE (f.xid, f.seq) < (excluded.xid, excluded.seq))
         SELECT count(*) AS "gone!" FROM gone"#,
        age.as_secs_f64(),
        BATCH,
    )
    .fetch_one(connection)
    .await?)
}
