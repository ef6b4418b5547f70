//! Giving letters up, and with them their runs.

use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::define::ids::{LetterId, RunId};
use crate::store::letters as stored;
use crate::{
    admin::{
        Actor, AdminError, Hints, check_reason,
        dead_letters::{LetterFilter, open, place_of},
        hints::{begin, finish},
        locks, runs,
    },
    protocol::failpoints::Failpoint,
    store::{audit, lock},
};

/// Letters that one transaction gives up at most.
const BATCH: i64 = 500;

/// Gives a dead task up, and with it its run, which is cancelled.
pub async fn discard(pool: &PgPool, letter_id: LetterId, by: Actor<'_>) -> Result<(), AdminError> {
    let mut transaction = begin(pool).await?;
    let hints = discard_in(&mut transaction, letter_id, by).await?;
    finish(pool, transaction, Failpoint::Discard, hints).await?;
    tracing::info!(letter.id = %letter_id, actor = by.name, "letter discarded");
    Ok(())
}

/// [`discard`] as part of the caller's transaction.
pub async fn discard_in(
    tx: &mut PgConnection,
    letter_id: LetterId,
    by: Actor<'_>,
) -> Result<Hints, AdminError> {
    check_reason(by)?;
    let (run_id, _) = place_of(tx, letter_id).await?;
    locks::live_run(tx, run_id).await?;
    open(tx, letter_id).await?;
    let under_way = runs::end(tx, &[run_id], by).await?;
    let details = json!({ "run": run_id });
    audit::record(tx, by, "dead_letter.discard", letter_id, details).await?;
    Ok(Hints::stopping(&under_way))
}

/// What one round of giving many up did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Discarded {
    /// Runs that were cancelled.
    pub runs: i64,
    /// Open letters that still match: beyond the round's limit, or of runs that somebody else was
    /// just at work on.
    pub left: i64,
}

/// Gives up the oldest open letters that match, `limit` or 500 at most, and with them their runs.
/// One round is one short transaction: call it again while letters are left.
pub async fn discard_many(
    pool: &PgPool,
    filter: &LetterFilter,
    limit: i64,
    by: Actor<'_>,
) -> Result<Discarded, AdminError> {
    let mut transaction = begin(pool).await?;
    let (discarded, hints) = discard_many_in(&mut transaction, filter, limit, by).await?;
    finish(pool, transaction, Failpoint::Discard, hints).await?;
    tracing::info!(runs = discarded.runs, actor = by.name, "letters discarded");
    Ok(discarded)
}

/// One round of [`discard_many`] as part of the caller's transaction.
pub async fn discard_many_in(
    tx: &mut PgConnection,
    filter: &LetterFilter,
    limit: i64,
    by: Actor<'_>,
) -> Result<(Discarded, Hints), AdminError> {
    check_reason(by)?;
    let letters = stored::candidates(tx, filter, None, None, limit.clamp(1, BATCH)).await?;
    let wanted: Vec<RunId> = letters.iter().map(|letter| letter.run_id).collect();
    let free: Vec<RunId> = lock::free_run_ids(tx, &wanted).await?.into_iter().collect();
    // Somebody may have decided about a run before it was locked.
    let ids: Vec<LetterId> = letters.iter().map(|letter| letter.letter_id).collect();
    let dead = stored::still_dead(tx, &free, &ids).await?;
    let mut under_way = Vec::new();
    let discarded = if dead.is_empty() {
        0
    } else {
        under_way = runs::end(tx, &dead, by).await?;
        let details = json!({ "filter": filter, "runs": dead });
        audit::record(tx, by, "dead_letters.discard", "dead letters", details).await?;
        i64::try_from(dead.len()).unwrap_or(i64::MAX)
    };
    let left = stored::matching(tx, filter).await?;
    let discarded = Discarded {
        runs: discarded,
        left,
    };
    Ok((discarded, Hints::stopping(&under_way)))
}
