//! Recovery as the ordinary path: at intervals every process moves due retries to the ready table
//! and takes the tasks of lost workers.

use std::{collections::HashSet, sync::Arc, time::Duration};

use sqlx::PgPool;
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    link::{QUERY_TIMEOUT, jittered, within},
    registry::Registry,
};
use crate::store::rescue::{Swept, rescue, sweep};

/// What workers get to reconnect after an outage before they count as lost.
const COMING_BACK: Duration = Duration::from_secs(10);

pub(crate) struct Sweeper {
    pub pool: PgPool,
    pub worker_id: i64,
    pub registry: Arc<Registry>,
    pub ready: Arc<Notify>,
    pub interval: Duration,
}

impl Sweeper {
    pub async fn run(self, stop: CancellationToken) {
        // Only what two sweeps in a row saw is taken for lost. After a restart of Postgres every
        // worker is absent and every lease may have expired: they get time to come back.
        let mut before = Swept::default();
        let mut trust_from = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(jittered(self.interval)) => {}
            }
            match within(QUERY_TIMEOUT, self.sweep_once(&before)).await {
                Ok(now) if Instant::now() >= trust_from => before = now,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error = %error, "sweep failed");
                    before = Swept::default();
                    trust_from = Instant::now() + COMING_BACK;
                }
            }
        }
    }

    async fn sweep_once(&self, before: &Swept) -> Result<Swept, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let mut now = sweep(&mut connection).await?;
        drop(connection);
        now.absent.retain(|id| *id != self.worker_id);
        if !now.queues.is_empty() {
            self.ready.notify_one();
        }
        let suspects: HashSet<_> = before.absent.iter().collect();
        let lost: Vec<i64> = now
            .absent
            .iter()
            .copied()
            .filter(|w| suspects.contains(w))
            .collect();
        if !lost.is_empty() || (now.expired && before.expired) {
            let limit = |workflow: &str, version, step: &str| {
                self.registry.crash_limit(workflow, version, step)
            };
            let rescued = rescue(&self.pool, &lost, limit).await?;
            if rescued > 0 {
                tracing::warn!(rescue.tasks = rescued, rescue.workers = ?lost, "tasks rescued");
                self.ready.notify_one();
            }
        }
        Ok(now)
    }
}
