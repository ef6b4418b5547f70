//! Claiming ready tasks.

use std::{sync::Arc, time::Duration};

use sqlx::PgConnection;

use crate::plan::Claim;

/// What one process would take now.
#[derive(Debug, Default)]
pub(crate) struct Demand {
    /// Free slots of each queue.
    pub slots: Vec<(String, usize)>,
    /// Workflows and versions that this build knows.
    pub known: Vec<(String, i32)>,
}

/// Takes tasks for `worker_id`, at most as many as there are slots, in order of priority and age.
///
/// Meant for a connection with asynchronous commit: a claim that is lost with the server loses
/// nothing, because the task is then ready again.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    demand: &Demand,
    worker_id: i64,
    lease: Duration,
) -> Result<Vec<Arc<Claim>>, sqlx::Error> {
    let (mut queues, mut slots, mut workflows, mut versions) = (vec![], vec![], vec![], vec![]);
    for (queue, free) in &demand.slots {
        for (workflow, version) in &demand.known {
            queues.push(queue.clone());
            slots.push(i32::try_from(*free).unwrap_or(i32::MAX));
            workflows.push(workflow.clone());
            versions.push(*version);
        }
    }
    let rows = sqlx::query_file!(
        "src/store/claim.sql",
        &queues,
        &slots,
        &workflows,
        &versions,
        worker_id,
        lease.as_secs_f64(),
    )
    .fetch_all(connection)
    .await?;
    let claims = rows.into_iter().map(|row| {
        Arc::new(Claim {
            task_id: row.task_id,
            run_id: row.run_id,
            subject: row.subject,
            workflow: row.workflow,
            version: row.version,
            step: row.step,
            queue: row.queue,
            fan_out_id: row.fan_out_id,
            child: row.child,
            input: row.input,
            errors: row.errors,
            crashes: row.crashes,
            interruptions: row.interruptions,
            token: row.token,
        })
    });
    Ok(claims.collect())
}
