//! Re-drives of many letters.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool, types::Json};

use crate::define::ids::{LetterId, RedriveId, RunId};
use crate::define::{actor::Actor, letter_filter::LetterFilter};
use crate::store::error::StoreError;

pub(crate) struct Row {
    pub redrive_id: RedriveId,
    pub filter: Json<LetterFilter>,
    pub from_step: Option<String>,
    pub per_second: f64,
    pub cap: i32,
    pub actor: String,
    pub reason: String,
    pub matched: i64,
    pub redriven: i32,
    pub skipped: i32,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// A re-drive to come.
pub(crate) struct New<'a> {
    pub redrive_id: RedriveId,
    pub filter: &'a LetterFilter,
    pub from_step: Option<&'a str>,
    pub per_second: f64,
    pub cap: i32,
    /// Letters that match now. With none of them the re-drive has ended.
    pub matched: i64,
}

/// Enters a re-drive.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    new: &New<'_>,
    by: Actor<'_>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO workflows.redrives
            (redrive_id, filter, from_step, per_second, cap, actor, reason, matched, ended_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $8::bigint = 0 THEN now() END)",
        new.redrive_id.0,
        Json(new.filter) as _,
        new.from_step,
        new.per_second,
        new.cap,
        by.name,
        by.reason,
        new.matched,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// The newest `limit` re-drives: those that go on, or all.
pub(crate) async fn list(
    pool: &PgPool,
    going_on_only: bool,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    Ok(sqlx::query_as!(
        Row,
        r#"SELECT redrive_id, filter AS "filter: Json<LetterFilter>", from_step, per_second, cap, actor,
                  reason, matched, redriven, skipped, created_at, ended_at
           FROM workflows.redrives WHERE (NOT $1 OR ended_at IS NULL)
           ORDER BY redrive_id DESC LIMIT $2"#,
        going_on_only,
        limit,
    )
    .fetch_all(pool)
    .await?)
}

pub(crate) async fn get(pool: &PgPool, redrive_id: RedriveId) -> Result<Option<Row>, StoreError> {
    Ok(sqlx::query_as!(
        Row,
        r#"SELECT redrive_id, filter AS "filter: Json<LetterFilter>", from_step, per_second, cap, actor,
                  reason, matched, redriven, skipped, created_at, ended_at
           FROM workflows.redrives WHERE redrive_id = $1"#,
        redrive_id.0,
    )
    .fetch_optional(pool)
    .await?)
}

/// A re-drive under its lock.
pub(crate) struct Locked {
    pub ended_at: Option<DateTime<Utc>>,
    pub redriven: i32,
}

/// Locks a re-drive.
pub(crate) async fn lock(
    tx: &mut PgConnection,
    redrive_id: RedriveId,
) -> Result<Option<Locked>, StoreError> {
    Ok(sqlx::query_as!(
        Locked,
        "SELECT ended_at, redriven FROM workflows.redrives WHERE redrive_id = $1 FOR UPDATE",
        redrive_id.0,
    )
    .fetch_optional(tx)
    .await?)
}

/// Ends a locked re-drive where it is.
pub(crate) async fn end(tx: &mut PgConnection, redrive_id: RedriveId) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE workflows.redrives SET ended_at = now() WHERE redrive_id = $1",
        redrive_id.0,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// A re-drive whose rate allows a letter.
pub(crate) struct Job {
    pub redrive_id: RedriveId,
    pub filter: Json<LetterFilter>,
    pub from_step: Option<String>,
    pub per_second: f64,
    pub cap: i32,
    pub actor: String,
    pub reason: String,
    pub redriven: i32,
    pub position: Option<LetterId>,
    pub again_from: Option<LetterId>,
    pub created_at: DateTime<Utc>,
    /// Seconds of the rate that are not used up.
    pub saved: f64,
}

/// A token bucket: at most five seconds of the rate, or two letters, are saved up, however long nothing
/// was done.
const SAVES: f64 = 5.0;

/// Locks the re-drive that has waited longest of those whose rate allows a letter and at which nobody is.
pub(crate) async fn due(tx: &mut PgConnection) -> Result<Option<Job>, StoreError> {
    Ok(sqlx::query_as!(
        Job,
        r#"SELECT redrive_id, filter AS "filter: Json<LetterFilter>", from_step, per_second, cap, actor,
                  reason, redriven, position AS "position: LetterId",
                  again_from AS "again_from: LetterId", created_at,
                  least(extract(epoch FROM clock_timestamp() - ticked_at)::float8,
                        greatest($1, 2.0 / per_second)) AS "saved!"
           FROM workflows.redrives
           WHERE ended_at IS NULL AND ticked_at + make_interval(secs => 1.0 / per_second) <= clock_timestamp()
           ORDER BY ticked_at LIMIT 1
           FOR UPDATE SKIP LOCKED"#,
        SAVES,
    )
    .fetch_optional(tx)
    .await?)
}

/// Open letters of a run.
pub(crate) struct OpenLetters {
    pub run_id: RunId,
    pub letters: i64,
    /// Those among them that were asked for.
    pub asked: i64,
}

/// The open letters of the runs of those of the given letters that are open.
pub(crate) async fn open_letters(
    tx: &mut PgConnection,
    letters: &[LetterId],
) -> Result<Vec<OpenLetters>, StoreError> {
    Ok(sqlx::query_as!(
        OpenLetters,
        r#"SELECT run_id, count(*) AS "letters!", count(*) FILTER (WHERE letter_id = ANY($1)) AS "asked!"
           FROM workflows.dead_letters
           WHERE resolved_at IS NULL AND run_id IN (
               SELECT run_id FROM workflows.dead_letters
               WHERE letter_id = ANY($1) AND resolved_at IS NULL)
           GROUP BY run_id"#,
        letters as &[LetterId],
    )
    .fetch_all(tx)
    .await?)
}

/// What a step of a re-drive has done.
pub(crate) struct Progress {
    pub redriven: i64,
    pub skipped: i64,
    pub position: Option<LetterId>,
    pub again_from: Option<LetterId>,
    /// It was the last step.
    pub over: bool,
}

/// A re-drive after a step of it.
pub(crate) struct Recorded {
    pub redriven: i32,
    pub skipped: i32,
    /// Its rate allows a letter now.
    pub this: bool,
    /// The rate of another one does.
    pub others: bool,
}

/// Notes how far a re-drive is. What was not used up of its rate is kept.
pub(crate) async fn record(
    tx: &mut PgConnection,
    redrive_id: RedriveId,
    so_far: &Progress,
) -> Result<Recorded, StoreError> {
    Ok(sqlx::query_as!(
        Recorded,
            r#"UPDATE workflows.redrives r
               SET redriven = redriven + $2::bigint, skipped = skipped + $3::bigint, position = $4, again_from = $5,
                   ticked_at = greatest(ticked_at, clock_timestamp()
                                        - make_interval(secs => greatest($6, 2.0 / per_second)))
                               + make_interval(secs => $2::bigint / per_second),
                   ended_at = CASE WHEN $7 THEN clock_timestamp() END
               WHERE redrive_id = $1
               RETURNING redriven, skipped,
                   ended_at IS NULL AND ticked_at + make_interval(secs => 1.0 / per_second)
                                        <= clock_timestamp() AS "this!",
                   EXISTS (SELECT FROM workflows.redrives o
                           WHERE o.ended_at IS NULL AND o.redrive_id <> r.redrive_id
                             AND o.ticked_at + make_interval(secs => 1.0 / o.per_second)
                                 <= clock_timestamp()) AS "others!""#,
            redrive_id.0,
            so_far.redriven,
            so_far.skipped,
            so_far.position as Option<LetterId> as Option<LetterId>,
            so_far.again_from as Option<LetterId> as Option<LetterId>,
            SAVES,
            so_far.over,
        )
        .fetch_one(tx)
        .await?)
}
