//! Re-driving many dead letters: a job of its own, which works itself off at a rate. Workers see to
//! it, so it survives any restart, and whoever asks finds it again.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{PgConnection, PgPool, types::Json};
use uuid::Uuid;

use crate::admin::Conflict;
use crate::{
    admin::{
        AdminError, By, Hints, audit,
        dead_letters::{LetterFilter, matching},
        hints::{begin, finish},
        not_found,
    },
    protocol::failpoints::Transaction,
};

/// A list ends after so many.
const LISTED: i64 = 500;

/// A re-drive of many and how far it is.
#[derive(Debug, Clone)]
pub struct Redrive {
    /// The job.
    pub redrive_id: Uuid,
    /// Which letters.
    pub filter: LetterFilter,
    /// Their runs start again from this step, instead of from where they died.
    pub from_step: Option<String>,
    /// How fast.
    pub per_second: f64,
    /// How many at most.
    pub cap: i32,
    /// Who asked for it.
    pub actor: String,
    /// Why.
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
    by: By<'_>,
) -> Result<Redrive, AdminError> {
    let mut transaction = begin(pool).await?;
    let redrive_id = request_in(&mut transaction, filter, from_step, pace, by).await?;
    let hints = Hints::default();
    finish(pool, transaction, Transaction::BulkRedrive, hints).await?;
    get(pool, redrive_id).await
}

/// [`request`] as part of the caller's transaction. Returns the job's id.
pub async fn request_in(
    tx: &mut PgConnection,
    filter: &LetterFilter,
    from_step: Option<&str>,
    pace: Pace,
    by: By<'_>,
) -> Result<Uuid, AdminError> {
    by.check()?;
    if !((0.001..=10_000.0).contains(&pace.per_second) && pace.cap > 0) {
        return Err(Conflict::RedrivePace.into());
    }
    let matched = matching(tx, filter).await?;
    let redrive_id = Uuid::now_v7();
    // With nothing to do it has ended.
    sqlx::query!(
        "INSERT INTO workflows.redrives
            (redrive_id, filter, from_step, per_second, cap, actor, reason, matched, ended_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $8::bigint = 0 THEN now() END)",
        redrive_id,
        Json(filter) as _,
        from_step,
        pace.per_second,
        pace.cap,
        by.actor,
        by.reason,
        matched,
    )
    .execute(&mut *tx)
    .await?;
    let details = json!({
        "filter": filter, "from_step": from_step, "matched": matched,
        "per_second": pace.per_second, "cap": pace.cap,
    });
    audit::record(tx, by, "redrive.request", redrive_id, details).await?;
    Ok(redrive_id)
}

/// Re-drives, the newest first: those that go on, or all; at most 500.
pub async fn list(pool: &PgPool, going_on_only: bool) -> Result<Vec<Redrive>, AdminError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT redrive_id, filter AS "filter: Json<LetterFilter>", from_step, per_second, cap, actor,
                  reason, matched, redriven, skipped, created_at, ended_at
           FROM workflows.redrives WHERE (NOT $1 OR ended_at IS NULL)
           ORDER BY redrive_id DESC LIMIT $2"#,
        going_on_only,
        LISTED,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Row::into_redrive).collect())
}

/// How far a re-drive is.
pub async fn get(pool: &PgPool, redrive_id: Uuid) -> Result<Redrive, AdminError> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT redrive_id, filter AS "filter: Json<LetterFilter>", from_step, per_second, cap, actor,
                  reason, matched, redriven, skipped, created_at, ended_at
           FROM workflows.redrives WHERE redrive_id = $1"#,
        redrive_id,
    )
    .fetch_optional(pool)
    .await?
    .ok_or_else(|| not_found("re-drive", redrive_id))?;
    Ok(row.into_redrive())
}

/// Stops a re-drive where it is.
pub async fn stop(pool: &PgPool, redrive_id: Uuid, by: By<'_>) -> Result<Redrive, AdminError> {
    let mut transaction = begin(pool).await?;
    stop_in(&mut transaction, redrive_id, by).await?;
    let hints = Hints::default();
    finish(pool, transaction, Transaction::BulkRedrive, hints).await?;
    get(pool, redrive_id).await
}

/// [`stop`] as part of the caller's transaction.
pub async fn stop_in(
    tx: &mut PgConnection,
    redrive_id: Uuid,
    by: By<'_>,
) -> Result<(), AdminError> {
    by.check()?;
    let ended = sqlx::query!(
        "SELECT ended_at, redriven FROM workflows.redrives WHERE redrive_id = $1 FOR UPDATE",
        redrive_id,
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or_else(|| not_found("re-drive", redrive_id))?;
    if ended.ended_at.is_some() {
        return Err(Conflict::RedriveEnded.into());
    }
    sqlx::query!(
        "UPDATE workflows.redrives SET ended_at = now() WHERE redrive_id = $1",
        redrive_id,
    )
    .execute(&mut *tx)
    .await?;
    let details = json!({ "redriven": ended.redriven });
    audit::record(tx, by, "redrive.stop", redrive_id, details).await?;
    Ok(())
}

/// A row of `redrives`, as it is read.
struct Row {
    redrive_id: Uuid,
    filter: Json<LetterFilter>,
    from_step: Option<String>,
    per_second: f64,
    cap: i32,
    actor: String,
    reason: String,
    matched: i64,
    redriven: i32,
    skipped: i32,
    created_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl Row {
    fn into_redrive(self) -> Redrive {
        Redrive {
            redrive_id: self.redrive_id,
            filter: self.filter.0,
            from_step: self.from_step,
            per_second: self.per_second,
            cap: self.cap,
            actor: self.actor,
            reason: self.reason,
            matched: self.matched,
            redriven: self.redriven,
            skipped: self.skipped,
            created_at: self.created_at,
            ended_at: self.ended_at,
        }
    }
}
