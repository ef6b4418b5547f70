//! A run and its first task.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::tasks;
use crate::plan::NewTask;

pub(crate) struct NewRun<'a> {
    pub run_id: Uuid,
    pub workflow: &'static str,
    pub version: i32,
    pub subject: Uuid,
    pub fairness_key: &'a str,
    pub step: &'static str,
    pub queue: &'static str,
    pub input: &'a Value,
}

pub(crate) async fn insert_run(
    connection: &mut PgConnection,
    run: &NewRun<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO workflows.runs (run_id, workflow, version, subject, fairness_key, input)
         VALUES ($1, $2, $3, $4, $5, $6)",
        run.run_id,
        run.workflow,
        run.version,
        run.subject,
        run.fairness_key,
        run.input,
    )
    .execute(&mut *connection)
    .await?;
    let first = NewTask {
        task_id: Uuid::now_v7(),
        step: run.step,
        queue: run.queue,
        input: run.input.clone(),
        fan_out_id: None,
        child: None,
    };
    tasks::insert_ready(connection, &[(run.run_id, &first)]).await?;
    super::notify(connection, &[run.queue.to_owned()]).await
}
