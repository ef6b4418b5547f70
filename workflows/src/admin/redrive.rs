//! Re-driving many dead letters: a job of its own, which works itself off at a rate. Workers see to
//! it, so it survives any restart, and whoever asks finds it again.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::define::ids::RedriveId;
use crate::{
    admin::{
        Actor, AdminError, Conflict, Hints, check_reason,
        hints::{begin, finish},
        not_found,
    },
    define::letter_filter::LetterFilter,
    protocol::failpoints::Failpoint,
    store::{audit, letters::matching, redrives},
};

/// A list ends after so many.
const LISTED: i64 = 500;

/// A re-drive of many and how far it is.
#[derive(Debug, Clone)]
pub struct Redrive {
    /// Its id, by which it is asked after and stopped.
    pub redrive_id: RedriveId,
    /// The letters that it is about.
    pub filter: LetterFilter,
    /// Their runs start again from this step, instead of from where they died.
    pub from_step: Option<String>,
    /// Letters per second at most.
    pub per_second: f64,
    /// How many at most.
    pub cap: i32,
    /// Who asked for it.
    pub actor: String,
    /// The reason that the actor gave.
    pub reason: String,
    /// Letters that matched when it was asked for.
    pub matched: i64,
    /// Letters re-driven so far.
    pub redriven: i32,
    /// Letters left as they are, because their runs have not been through `from_step`.
    pub skipped: i32,
    /// When it was asked for. Letters that died later are left alone.
    pub created_at: DateTime<Utc>,
    /// When it was done or stopped.
    pub ended_at: Option<DateTime<Utc>>,
}

/// How fast and how many.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Letters per second.
    pub per_second: f64,
    /// Letters in all.
    pub cap: i32,
}

/// How many open letters match: the dry run.
pub async fn count(pool: &PgPool, filter: &LetterFilter) -> Result<i64, AdminError> {
    let mut connection = pool.acquire().await?;
    Ok(matching(&mut connection, filter).await?)
}

/// Asks for a re-drive of the open letters that match, from where they died or from an earlier step.
/// Returns at once. Of a run that starts from an earlier step, all letters are resolved together.
pub async fn request(
    pool: &PgPool,
    filter: &LetterFilter,
    from_step: Option<&str>,
    pace: Pace,
    by: Actor<'_>,
) -> Result<Redrive, AdminError> {
    let mut transaction = begin(pool).await?;
    let redrive_id = request_in(&mut transaction, filter, from_step, pace, by).await?;
    let hints = Hints::default();
    finish(pool, transaction, Failpoint::BulkRedrive, hints).await?;
    get(pool, redrive_id).await
}

/// [`request`] as part of the caller's transaction. Returns the job's id.
pub async fn request_in(
    tx: &mut PgConnection,
    filter: &LetterFilter,
    from_step: Option<&str>,
    pace: Pace,
    by: Actor<'_>,
) -> Result<RedriveId, AdminError> {
    check_reason(by)?;
    if !((0.001..=10_000.0).contains(&pace.per_second) && pace.cap > 0) {
        return Err(Conflict::RedrivePace.into());
    }
    let matched = matching(tx, filter).await?;
    let redrive_id = RedriveId(Uuid::now_v7());
    let new = redrives::New {
        redrive_id,
        filter,
        from_step,
        per_second: pace.per_second,
        cap: pace.cap,
        matched,
    };
    redrives::insert(tx, &new, by).await?;
    let details = json!({
        "filter": filter, "from_step": from_step, "matched": matched,
        "per_second": pace.per_second, "cap": pace.cap,
    });
    audit::record(tx, by, "redrive.request", redrive_id, details).await?;
    Ok(redrive_id)
}

/// Re-drives, the newest first: those that go on, or all; at most 500.
pub async fn list(pool: &PgPool, going_on_only: bool) -> Result<Vec<Redrive>, AdminError> {
    let rows = redrives::list(pool, going_on_only, LISTED).await?;
    Ok(rows.into_iter().map(Redrive::of).collect())
}

/// How far a re-drive is.
pub async fn get(pool: &PgPool, redrive_id: RedriveId) -> Result<Redrive, AdminError> {
    let row = redrives::get(pool, redrive_id)
        .await?
        .ok_or_else(|| not_found("re-drive", redrive_id))?;
    Ok(Redrive::of(row))
}

/// Stops a re-drive where it is.
pub async fn stop(
    pool: &PgPool,
    redrive_id: RedriveId,
    by: Actor<'_>,
) -> Result<Redrive, AdminError> {
    let mut transaction = begin(pool).await?;
    stop_in(&mut transaction, redrive_id, by).await?;
    let hints = Hints::default();
    finish(pool, transaction, Failpoint::BulkRedrive, hints).await?;
    get(pool, redrive_id).await
}

/// [`stop`] as part of the caller's transaction.
pub async fn stop_in(
    tx: &mut PgConnection,
    redrive_id: RedriveId,
    by: Actor<'_>,
) -> Result<(), AdminError> {
    check_reason(by)?;
    let ended = redrives::lock(tx, redrive_id)
        .await?
        .ok_or_else(|| not_found("re-drive", redrive_id))?;
    if ended.ended_at.is_some() {
        return Err(Conflict::RedriveEnded.into());
    }
    redrives::end(tx, redrive_id).await?;
    let details = json!({ "redriven": ended.redriven });
    audit::record(tx, by, "redrive.stop", redrive_id, details).await?;
    Ok(())
}

impl Redrive {
    fn of(row: redrives::Row) -> Self {
        Self {
            redrive_id: row.redrive_id,
            filter: row.filter.0,
            from_step: row.from_step,
            per_second: row.per_second,
            cap: row.cap,
            actor: row.actor,
            reason: row.reason,
            matched: row.matched,
            redriven: row.redriven,
            skipped: row.skipped,
            created_at: row.created_at,
            ended_at: row.ended_at,
        }
    }
}
