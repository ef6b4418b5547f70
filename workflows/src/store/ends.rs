//! Whether a run has ended, and with what.

use sqlx::PgPool;

use crate::define::ids::RunId;
use crate::protocol::state::RunState;
use crate::store::error::StoreError;

/// Where a run stands.
pub(crate) struct Stand {
    pub workflow: String,
    pub version: i32,
    pub state: RunState,
    pub result: Option<String>,
    /// The step of the newest open dead letter, and its error's message.
    pub dead_step: Option<String>,
    pub dead_error: Option<String>,
}

pub(crate) async fn stand(pool: &PgPool, run_id: RunId) -> Result<Option<Stand>, StoreError> {
    Ok(sqlx::query_as!(
        Stand,
        r#"SELECT r.workflow, r.version, r.state AS "state: RunState", r.result::text AS result,
                  d.step AS "dead_step?", d.message AS "dead_error?"
           FROM workflows.runs r
           LEFT JOIN LATERAL (
               SELECT step, error ->> 'message' AS message
               FROM workflows.dead_letters JOIN workflows.lanes USING (lane)
               WHERE run_id = r.run_id AND resolved_at IS NULL
               ORDER BY letter_id DESC LIMIT 1) d ON r.state = 'dead'
           WHERE r.run_id = $1"#,
        run_id.0,
    )
    .fetch_optional(pool)
    .await?)
}
