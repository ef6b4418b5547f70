//! The fence around a completing transaction: only who holds the lease of a task writes its end.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;

use crate::define::ids::{FencingToken, TaskId};
use crate::store::error::StoreError;
use crate::{
    protocol::task::NewTask,
    store::{
        complete::{Context, Kept},
        lock::{self, Renewals},
    },
};

/// Which attempts hold their leases. Those leases are ended, or renewed for the next step.
pub(super) struct Fence {
    /// Task and token.
    pub held: HashSet<(TaskId, FencingToken)>,
    pub renewed: HashMap<TaskId, (FencingToken, chrono::DateTime<chrono::Utc>)>,
}

impl Fence {
    pub async fn raise(
        tx: &mut PgConnection,
        batch: &[(usize, Kept<'_>)],
        next: &[Option<&NewTask>],
        context: &Context<'_>,
    ) -> Result<Self, StoreError> {
        let (mut ending, mut going_on) = ((vec![], vec![]), Renewals::default());
        for ((_, kept), next) in batch.iter().zip(next) {
            let claim = &kept.as_ref().claim;
            if let Some(task) = next {
                going_on.tasks.push(claim.task_id);
                going_on.tokens.push(claim.token);
                going_on.crash_limits.push(task.crash_limit);
            } else {
                ending.0.push(claim.task_id);
                ending.1.push(claim.token);
            }
        }
        let worker = context.worker_id;
        let mut held = lock::end_leases(tx, &ending.0, &ending.1, worker).await?;
        let renewed = lock::renew_leases(tx, &going_on, worker, context.lease).await?;
        let going_on = going_on.tasks.iter().copied().zip(going_on.tokens);
        held.extend(going_on.filter(|(task, _)| renewed.contains_key(task)));
        Ok(Self { held, renewed })
    }
}
