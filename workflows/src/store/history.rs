//! The history: every attempt that ended.

use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::plan::{Settlement, Verdict};

/// Records how attempts ended whose leases this transaction has ended. The tasks' rows must still be
/// what the attempts were given.
pub(super) async fn record(
    connection: &mut PgConnection,
    batch: &[&Settlement],
    worker_id: i64,
) -> Result<(), sqlx::Error> {
    let (mut ids, mut tokens, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut outputs, mut errors, mut started) = (Vec::new(), Vec::new(), Vec::new());
    for settlement in batch {
        let (outcome, output, error) = match &settlement.verdict {
            Verdict::Advance { .. } => ("done", None, None),
            Verdict::Joined { output, .. } => ("done", Some(output.clone()), None),
            Verdict::Defer { error, .. } | Verdict::Bury { error, .. } => {
                ("error", None, Some(error.clone()))
            }
            Verdict::Reject { rejection, .. } => ("rejected", None, Some(json!(rejection))),
            Verdict::HandBack => ("interrupted", None, None),
        };
        ids.push(settlement.claim.task_id);
        tokens.push(settlement.claim.token);
        outcomes.push(outcome.to_owned());
        outputs.push(output);
        errors.push(error);
        started.push(settlement.claim.started_at);
    }
    sqlx::query!(
        "INSERT INTO workflows.attempts
            (token, run_id, task_id, step, fan_out_id, child, outcome, lane, input, output, error,
             worker_id, started_at)
         SELECT e.token, t.run_id, e.task_id, t.step, t.fan_out_id, t.child, e.outcome, t.lane,
                CASE WHEN e.outcome = 'done' AND t.fan_out_id IS NULL THEN t.input END,
                e.output, e.error, $7, e.started_at
         FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::jsonb[], $5::jsonb[], $6::timestamptz[])
              AS e (task_id, token, outcome, output, error, started_at)
         JOIN workflows.tasks t USING (task_id)",
        &ids,
        &tokens,
        &outcomes,
        &outputs as &[Option<Value>],
        &errors as &[Option<Value>],
        &started,
        worker_id,
    )
    .execute(connection)
    .await?;
    Ok(())
}
