//! Fan-outs and their joins.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A fan-out to record, beside its children.
pub(super) struct NewFanOut<'a> {
    pub fan_out_id: Uuid,
    pub run_id: Uuid,
    pub step: &'static str,
    pub total: usize,
    pub carry: &'a Value,
}

pub(super) async fn insert(
    connection: &mut PgConnection,
    new: &NewFanOut<'_>,
) -> Result<(), sqlx::Error> {
    let total = i32::try_from(new.total).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    sqlx::query!(
        "INSERT INTO workflows.fan_outs (fan_out_id, run_id, step, total, remaining, carry)
         VALUES ($1, $2, $3, $4, $4, $5)",
        new.fan_out_id,
        new.run_id,
        new.step,
        total,
        new.carry,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts finished children (an id per child). Returns the input of the join of each fan-out
/// that this completed; its row is gone, so no later child can complete it again.
pub(super) async fn count_down(
    connection: &mut PgConnection,
    finished: &[Uuid],
) -> Result<Vec<(Uuid, Value)>, sqlx::Error> {
    if finished.is_empty() {
        return Ok(Vec::new());
    }
    let completed = sqlx::query_scalar!(
        "UPDATE workflows.fan_outs f SET remaining = f.remaining - done.children
         FROM (SELECT id, count(*)::int AS children FROM unnest($1::uuid[]) AS id GROUP BY id) done
         WHERE f.fan_out_id = done.id
         RETURNING CASE WHEN f.remaining = 0 THEN f.fan_out_id END",
        finished,
    )
    .fetch_all(&mut *connection)
    .await?;
    let completed: Vec<Uuid> = completed.into_iter().flatten().collect();
    if completed.is_empty() {
        return Ok(Vec::new());
    }
    let joins = sqlx::query!(
        r#"WITH gone AS (
            DELETE FROM workflows.fan_outs WHERE fan_out_id = ANY($1)
            RETURNING fan_out_id, carry)
         SELECT gone.fan_out_id AS "fan_out_id!",
                jsonb_build_object('carry', gone.carry, 'children',
                    (SELECT jsonb_agg(a.output ORDER BY a.child) FROM workflows.attempts a
                     WHERE a.fan_out_id = gone.fan_out_id AND a.outcome = 'done')) AS "input!"
         FROM gone"#,
        &completed,
    )
    .fetch_all(connection)
    .await?;
    Ok(joins
        .into_iter()
        .map(|row| (row.fan_out_id, row.input))
        .collect())
}
