//! Re-driving many dead letters: a job of its own, which works itself off at a rate. Workers see to
//! it in their sweeps, so it survives any restart.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{PgConnection, PgPool, types::Json};
use uuid::Uuid;

use super::{
    AdminError, By, audit,
    dead_letters::LetterFilter,
    not_found,
    revive::{Open, again},
};
use crate::{
    faults::Transaction,
    store::{commit::commit, lock},
};

/// A re-drive of many and how far it is.
#[derive(Debug, Clone)]
pub struct Redrive {
    /// The job.
    pub redrive_id: Uuid,
    /// Which letters.
    pub filter: LetterFilter,
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

/// Asks for a re-drive of the open letters that match. Returns at once.
pub async fn request(
    pool: &PgPool,
    filter: &LetterFilter,
    pace: Pace,
    by: By<'_>,
) -> Result<Redrive, AdminError> {
    by.check()?;
    if !((0.001..=10_000.0).contains(&pace.per_second) && pace.cap > 0) {
        let message =
            "a re-drive needs a rate between 0.001 and 10,000 a second, and a cap above zero";
        return Err(AdminError::Conflict(message.to_owned()));
    }
    let mut transaction = pool.begin().await?;
    let tx = &mut *transaction;
    let matched = matching(tx, filter).await?;
    let redrive_id = Uuid::now_v7();
    sqlx::query!(
        "INSERT INTO workflows.redrives (redrive_id, filter, per_second, cap, actor, reason, matched)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        redrive_id,
        Json(filter) as _,
        pace.per_second,
        pace.cap,
        by.actor,
        by.reason,
        matched,
    )
    .execute(&mut *tx)
    .await?;
    let details = json!({ "filter": filter, "matched": matched, "per_second": pace.per_second, "cap": pace.cap });
    audit::record(tx, by, "redrive.request", redrive_id, details).await?;
    commit(transaction, &[Transaction::BulkRedrive]).await?;
    get(pool, redrive_id).await
}

/// How far a re-drive is.
pub async fn get(pool: &PgPool, redrive_id: Uuid) -> Result<Redrive, AdminError> {
    let row = sqlx::query!(
        r#"SELECT redrive_id, filter AS "filter: Json<LetterFilter>", per_second, cap, actor, reason, matched,
                  redriven, created_at, ended_at
           FROM workflows.redrives WHERE redrive_id = $1"#,
        redrive_id,
    )
    .fetch_optional(pool)
    .await?
    .ok_or_else(|| not_found("re-drive", redrive_id))?;
    Ok(Redrive {
        redrive_id: row.redrive_id,
        filter: row.filter.0,
        per_second: row.per_second,
        cap: row.cap,
        actor: row.actor,
        reason: row.reason,
        matched: row.matched,
        redriven: row.redriven,
        created_at: row.created_at,
        ended_at: row.ended_at,
    })
}

/// Stops a re-drive where it is.
pub async fn stop(pool: &PgPool, redrive_id: Uuid, by: By<'_>) -> Result<Redrive, AdminError> {
    by.check()?;
    let mut transaction = pool.begin().await?;
    let tx = &mut *transaction;
    let stopped = sqlx::query!(
        "UPDATE workflows.redrives SET ended_at = now() WHERE redrive_id = $1 AND ended_at IS NULL",
        redrive_id,
    );
    if stopped.execute(&mut *tx).await?.rows_affected() == 0 {
        drop(transaction);
        get(pool, redrive_id).await?;
        let message = "the re-drive has ended already";
        return Err(AdminError::Conflict(message.to_owned()));
    }
    audit::record(tx, by, "redrive.stop", redrive_id, json!({})).await?;
    commit(transaction, &[Transaction::BulkRedrive]).await?;
    get(pool, redrive_id).await
}

/// Goes on with all re-drives that nobody else is going on with, as far as their rates allow.
pub(crate) async fn work_off(pool: &PgPool) -> Result<(), sqlx::Error> {
    let going_on = sqlx::query_scalar!(
        "SELECT redrive_id FROM workflows.redrives WHERE ended_at IS NULL ORDER BY redrive_id"
    );
    for redrive_id in going_on.fetch_all(pool).await? {
        let mut transaction = pool.begin().await?;
        if proceed(&mut transaction, redrive_id).await? {
            commit(transaction, &[Transaction::BulkStep]).await?;
        }
    }
    Ok(())
}

/// One bounded step of a re-drive. `false` when there is nothing to write: another worker is at it,
/// or its rate allows none yet.
async fn proceed(tx: &mut PgConnection, redrive_id: Uuid) -> Result<bool, sqlx::Error> {
    // The rate saves up at most two seconds, or two letters, whatever happened in between.
    let row = sqlx::query!(
        r#"SELECT filter AS "filter: Json<LetterFilter>", per_second, cap, actor, reason, redriven, position,
                  created_at,
                  least(extract(epoch FROM clock_timestamp() - ticked_at)::float8, greatest(2.0, 2.0 / per_second))
                  * per_second AS "allowed!"
           FROM workflows.redrives WHERE redrive_id = $1 AND ended_at IS NULL
           FOR UPDATE SKIP LOCKED"#,
        redrive_id,
    );
    let Some(row) = row.fetch_optional(&mut *tx).await? else {
        return Ok(false);
    };
    #[expect(clippy::cast_possible_truncation, reason = "bounded by 500")]
    let allowed = row.allowed.min(500.0) as i64;
    let limit = allowed.min(i64::from(row.cap - row.redriven));
    if limit < 1 {
        return Ok(false);
    }
    let letters = next(tx, &row.filter.0, row.position, row.created_at, limit).await?;
    let by = By {
        actor: &row.actor,
        reason: &row.reason,
    };
    let runs: Vec<Uuid> = letters.iter().map(|letter| letter.run_id).collect();
    let paused = lock::runs(tx, &runs).await?;
    let mut redriven = 0;
    for letter in &letters {
        // Somebody may have resolved it before the run was locked.
        if still_open(tx, letter.letter_id).await? {
            again(tx, letter, paused.runs.contains(&letter.run_id), by).await?;
            let details =
                json!({ "run": letter.run_id, "step": letter.step, "redrive": redrive_id });
            audit::record(tx, by, "dead_letter.redrive", letter.letter_id, details).await?;
            redriven += 1;
        }
    }
    let done =
        i64::try_from(letters.len()).unwrap_or(0) < limit || row.redriven + redriven >= row.cap;
    sqlx::query!(
        "UPDATE workflows.redrives
         SET redriven = redriven + $2, position = coalesce($3, position), ticked_at = clock_timestamp(),
             ended_at = CASE WHEN $4 THEN clock_timestamp() END
         WHERE redrive_id = $1",
        redrive_id,
        redriven,
        letters.last().map(|letter| letter.letter_id),
        done,
    )
    .execute(tx)
    .await?;
    Ok(true)
}

async fn still_open(tx: &mut PgConnection, letter_id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT resolved_at IS NULL AS "open!" FROM workflows.dead_letters WHERE letter_id = $1"#,
        letter_id,
    )
    .fetch_one(tx)
    .await
}

async fn matching(tx: &mut PgConnection, filter: &LetterFilter) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM workflows.dead_letters
           WHERE resolved_at IS NULL
             AND ($1::text IS NULL OR workflow = $1) AND ($2::text IS NULL OR step = $2)
             AND ($3::text IS NULL OR fingerprint = $3) AND ($4::text IS NULL OR fairness_key = $4)
             AND ($5::timestamptz IS NULL OR died_at < $5) AND ($6::timestamptz IS NULL OR died_at >= $6)"#,
        filter.workflow.as_deref(),
        filter.step.as_deref(),
        filter.fingerprint.as_deref(),
        filter.owner.as_deref(),
        filter.died_before,
        filter.died_since,
    )
    .fetch_one(tx)
    .await
}

/// The next letters, oldest first.
async fn next(
    tx: &mut PgConnection,
    filter: &LetterFilter,
    position: Option<Uuid>,
    asked_at: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Open>, sqlx::Error> {
    sqlx::query_as!(
        Open,
        "SELECT letter_id, run_id, task_id, step, input, lane, key, rank, fan_out_id, child
         FROM workflows.dead_letters
         WHERE resolved_at IS NULL AND died_at <= $8
           AND ($1::text IS NULL OR workflow = $1) AND ($2::text IS NULL OR step = $2)
           AND ($3::text IS NULL OR fingerprint = $3) AND ($4::text IS NULL OR fairness_key = $4)
           AND ($5::timestamptz IS NULL OR died_at < $5) AND ($6::timestamptz IS NULL OR died_at >= $6)
           AND ($7::uuid IS NULL OR letter_id > $7)
         ORDER BY letter_id LIMIT $9",
        filter.workflow.as_deref(),
        filter.step.as_deref(),
        filter.fingerprint.as_deref(),
        filter.owner.as_deref(),
        filter.died_before,
        filter.died_since,
        position,
        asked_at,
        limit,
    )
    .fetch_all(tx)
    .await
}
