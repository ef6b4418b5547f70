//! The history: every attempt that ended.

use sqlx::PgConnection;

use crate::{
    define::payload::Payload,
    protocol::settlement::{Settlement, Verdict},
};

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
        let (output, error) = told(&settlement.verdict);
        ids.push(settlement.claim.task_id);
        tokens.push(settlement.claim.token);
        outcomes.push(settlement.verdict.outcome().as_str().to_owned());
        outputs.push(output.map(|output| output.as_str().to_owned()));
        errors.push(error.map(|error| error.as_str().to_owned()));
        started.push(settlement.claim.started_at);
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
        &ids,
        &tokens,
        &outcomes,
        &outputs as &[Option<String>],
        &errors as &[Option<String>],
        &started,
        worker_id,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Output and error.
fn told(verdict: &Verdict) -> (Option<&Payload>, Option<&Payload>) {
    match verdict {
        Verdict::Advance { .. } | Verdict::HandBack => (None, None),
        Verdict::Joined { output } => (Some(output), None),
        Verdict::Bury { error, .. }
        | Verdict::Wait { error, .. }
        | Verdict::Defer { error, .. } => (None, Some(error)),
        Verdict::Reject { result, .. } => (None, Some(result)),
    }
}
