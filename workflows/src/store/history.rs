//! The history: every attempt that ended.

use sqlx::PgConnection;

use crate::define::ids::{FencingToken, TaskId, WorkerId};
use crate::store::error::StoreError;
use crate::{
    define::payload::Payload,
    protocol::completion::{Completion, Decision},
};

/// Records how attempts ended whose leases this transaction has ended. The tasks' rows must still be
/// what the attempts were given.
pub(super) async fn record(
    connection: &mut PgConnection,
    batch: &[&Completion],
    worker_id: WorkerId,
) -> Result<(), StoreError> {
    let (mut ids, mut tokens, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut outputs, mut errors, mut started) = (Vec::new(), Vec::new(), Vec::new());
    for completion in batch {
        let (output, error) = told(&completion.decision);
        ids.push(completion.claim.task_id);
        tokens.push(completion.claim.token);
        outcomes.push(completion.decision.outcome().as_str().to_owned());
        outputs.push(output.map(|output| output.as_str().to_owned()));
        errors.push(error.map(|error| error.as_str().to_owned()));
        started.push(completion.claim.started_at);
    }
    sqlx::query!(
        "INSERT INTO workflows.attempts
            (token, run_id, task_id, lane, fan_out_id, child, outcome, input, output, error,
             worker_id, started_at)
         SELECT e.token, t.run_id, e.task_id, t.lane, t.fan_out_id, t.child, e.outcome,
                CASE WHEN e.outcome = 'done' AND t.fan_out_id IS NULL THEN t.input END,
                e.output::json, e.error::json, $7, e.started_at
         FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
              AS e (task_id, token, outcome, output, error, started_at)
         JOIN workflows.tasks t USING (task_id)",
        &ids as &[TaskId],
        &tokens as &[FencingToken],
        &outcomes,
        &outputs as &[Option<String>],
        &errors as &[Option<String>],
        &started,
        worker_id.0,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Output and error.
fn told(decision: &Decision) -> (Option<&Payload>, Option<&Payload>) {
    match decision {
        Decision::Advance { .. } | Decision::Release => (None, None),
        Decision::Joined { output } => (Some(output), None),
        Decision::DeadLetter { error, .. }
        | Decision::Wait { error, .. }
        | Decision::Retry { error, .. } => (None, Some(error)),
        Decision::Reject { result, .. } => (None, Some(result)),
    }
}
