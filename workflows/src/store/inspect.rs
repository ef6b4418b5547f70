//! Reading runs by their subjects.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::define::ids::RunId;
use crate::protocol::state::{RunState, StepState};
use crate::store::error::StoreError;

pub(crate) struct Row {
    pub run_id: RunId,
    pub workflow: String,
    pub version: i32,
    pub state: RunState,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// A step of a run, its fan-out children taken together.
pub(crate) struct Step {
    pub name: String,
    pub state: StepState,
    pub done: i64,
    pub total: i64,
    pub attempts: i64,
    pub last_error: Option<String>,
    pub progress: Option<f64>,
}

/// The newest run about `subject`.
pub(crate) async fn latest_run(pool: &PgPool, subject: Uuid) -> Result<Option<Row>, StoreError> {
    Ok(sqlx::query_as!(
        Row,
        r#"SELECT run_id, workflow, version, state AS "state: RunState", created_at, ended_at
           FROM workflows.runs WHERE subject = $1 ORDER BY created_at DESC, run_id DESC LIMIT 1"#,
        subject,
    )
    .fetch_optional(pool)
    .await?)
}

/// The newest run about `subject` that has not ended.
pub(crate) async fn live_run(
    connection: &mut PgConnection,
    subject: Uuid,
) -> Result<Option<RunId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT run_id AS "run_id: RunId" FROM workflows.runs
           WHERE subject = $1 AND state IN ('running', 'dead')
           ORDER BY created_at DESC, run_id DESC LIMIT 1"#,
        subject,
    )
    .fetch_optional(connection)
    .await?)
}

/// The steps of a run, in the order in which they were reached.
pub(crate) async fn steps(pool: &PgPool, run_id: RunId) -> Result<Vec<Step>, StoreError> {
    Ok(
        sqlx::query_file_as!(Step, "src/store/run_steps.sql", run_id.0)
            .fetch_all(pool)
            .await?,
    )
}
