//! Re-driving one letter.

use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::define::ids::LetterId;
use crate::{
    admin::{
        Actor, AdminError, Conflict, Hints, check_reason,
        dead_letters::{open, place_of},
        hints::{begin, finish},
        hooks, locks,
    },
    protocol::{failpoints::Failpoint, state::Resolution},
    store::{audit, clear::clear, requeue},
};

/// Starts a dead task anew, with all its attempts; or its run from an earlier step that it has been
/// through, in which case whatever else the run was doing is stopped. A letter is re-driven once: the second
/// time is a [`AdminError::Conflict`].
pub async fn redrive(
    pool: &PgPool,
    letter_id: LetterId,
    from_step: Option<&str>,
    by: Actor<'_>,
) -> Result<(), AdminError> {
    let mut transaction = begin(pool).await?;
    let hints = redrive_in(&mut transaction, letter_id, from_step, by).await?;
    finish(pool, transaction, Failpoint::Redrive, hints).await?;
    tracing::info!(letter.id = %letter_id, actor = by.name, "letter re-driven");
    Ok(())
}

/// [`redrive`] as part of the caller's transaction.
pub async fn redrive_in(
    tx: &mut PgConnection,
    letter_id: LetterId,
    from_step: Option<&str>,
    by: Actor<'_>,
) -> Result<Hints, AdminError> {
    check_reason(by)?;
    let (run_id, died_at_step) = place_of(tx, letter_id).await?;
    locks::live_run(tx, run_id).await?;
    open(tx, letter_id).await?;
    let hints = match from_step {
        Some(step) if step != died_at_step => {
            let entries = requeue::entries(tx, &[run_id], step).await?;
            if entries.is_empty() {
                return Err(Conflict::StepNotReached {
                    step: step.to_owned(),
                }
                .into());
            }
            let under_way = clear(tx, &[run_id], Resolution::Redriven, by).await?;
            let queues = requeue::restart(tx, &entries, by).await?;
            hooks::revived(tx, &[run_id], Some(step), by).await?;
            Hints::queues(queues).and(Hints::stopping(&under_way))
        }
        _ => {
            let queues = requeue::letters(tx, &[letter_id], by).await?.queues;
            hooks::revived(tx, &[run_id], None, by).await?;
            Hints::queues(queues)
        }
    };
    let step = from_step.unwrap_or(&died_at_step);
    let details = json!({ "run": run_id, "step": step });
    audit::record(tx, by, "dead_letter.redrive", letter_id, details).await?;
    Ok(hints)
}
