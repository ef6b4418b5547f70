//! Recovery as the ordinary path: at intervals every process takes one look around and sees to what
//! it finds: due retries, lost workers, schedules, re-drives. The same look tells the dispatcher of
//! work whose notification was lost.

use std::{collections::HashSet, sync::Arc, time::Duration};

use sqlx::PgPool;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    link::{QUERY_TIMEOUT, jittered, within},
    meters,
    registry::Registry,
    slots::Slots,
};
use crate::{
    admin::redrive,
    start::StartError,
    store::{
        lanes::Lanes,
        rescue::{due, rescue},
        schedules::{StartTick, fire},
        sweep::{Found, look},
    },
};

/// What workers get to reconnect after an outage before they count as lost.
const COMING_BACK: Duration = Duration::from_secs(10);
/// Each so many looks, all leases are read.
const THOROUGHLY: u32 = 10;
/// Batches of due tasks that one sweep moves at most: its other duties do not wait for a backlog.
const DUE_BATCHES: u32 = 20;

/// A workflow that starts by the clock.
pub(crate) struct Schedule {
    pub name: String,
    pub every: Duration,
    pub start: Box<StartTick>,
}

pub(crate) struct Sweeper {
    pub pool: PgPool,
    pub worker_id: i64,
    pub registry: Arc<Registry>,
    pub lanes: Arc<Lanes>,
    pub schedules: Vec<Schedule>,
    /// Work is looked for where no claim has looked lately.
    pub slots: Slots,
    pub interval: Duration,
    pub lease: Duration,
}

/// The last look, and when it was first seen that something is lost.
#[derive(Default)]
struct Suspicion {
    found: Found,
    since: Option<Instant>,
}

impl Sweeper {
    pub async fn run(self, stop: CancellationToken) {
        // Only what two looks in a row saw is taken for lost. After a restart of Postgres every
        // worker is absent and every lease may have expired: they get time to come back.
        let mut before = Suspicion::default();
        let mut trust_from = Instant::now();
        for look in 1_u32.. {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(jittered(self.interval)) => {}
            }
            match within(QUERY_TIMEOUT, self.sweep_once(&before, look)).await {
                Ok(now) if Instant::now() >= trust_from => before = now,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error = %error, "sweep failed");
                    before = Suspicion::default();
                    trust_from = Instant::now() + COMING_BACK;
                }
            }
        }
    }

    async fn sweep_once(&self, before: &Suspicion, round: u32) -> Result<Suspicion, sqlx::Error> {
        let lanes = self.lanes.iter();
        let idle: Vec<i32> = lanes
            .filter(|(_, lane)| self.slots.idle_for(lane.queue, self.interval / 2))
            .map(|(number, _)| number)
            .collect();
        // What the last look saw has to be seen again.
        let thoroughly = before.found.expired || round.is_multiple_of(THOROUGHLY);
        let mut connection = self.pool.acquire().await?;
        let mut found = look(&mut connection, &idle, self.lease / 2, thoroughly).await?;
        drop(connection);
        found.absent.retain(|id| *id != self.worker_id);
        self.slots.news_everywhere();
        let now = self.take_lost(before, &found).await?;
        // The rest waits for the next look when it fails; what is lost does not wait for it.
        if let Err(error) = self.see_to(&found).await {
            tracing::warn!(error = %error, "not all that was due is done");
        }
        Ok(Suspicion { found, ..now })
    }

    async fn see_to(&self, found: &Found) -> Result<(), sqlx::Error> {
        if found.ready || found.due {
            self.slots.look();
        }
        if found.due {
            for _ in 0..DUE_BATCHES {
                if !due(&self.pool).await? {
                    break;
                }
            }
            self.slots.look();
        }
        for schedule in self
            .schedules
            .iter()
            .filter(|s| found.schedules.contains(&s.name))
        {
            self.tick(schedule).await?;
        }
        if found.redrives {
            redrive::work_off(&self.pool).await?;
        }
        Ok(())
    }

    /// Takes what this look and the one before saw as lost.
    async fn take_lost(&self, before: &Suspicion, found: &Found) -> Result<Suspicion, sqlx::Error> {
        let suspects: HashSet<_> = before.found.absent.iter().collect();
        let absent = found.absent.iter().copied();
        let lost: Vec<i64> = absent.filter(|worker| suspects.contains(worker)).collect();
        let since = before.since.unwrap_or_else(Instant::now);
        if !lost.is_empty() || (found.expired && before.found.expired) {
            let limit = |workflow: &str, version, step: &str| {
                self.registry.crash_limit(workflow, version, step)
            };
            let rescued = rescue(&self.pool, &lost, limit).await?;
            if rescued > 0 {
                meters::rescued(rescued, since.elapsed());
                tracing::warn!(rescue.tasks = rescued, rescue.workers = ?lost, "tasks rescued");
                self.slots.look();
            }
        }
        let suspicious = !found.absent.is_empty() || found.expired;
        Ok(Suspicion {
            found: Found::default(),
            since: suspicious.then_some(since),
        })
    }

    async fn tick(&self, schedule: &Schedule) -> Result<(), sqlx::Error> {
        match fire(&self.pool, &schedule.name, schedule.every, &*schedule.start).await {
            Ok(Some(run)) => {
                tracing::info!(schedule.name = %schedule.name, run.id = %run, "schedule fired");
                self.slots.look();
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(StartError::Database(error)) => Err(error),
            Err(error @ StartError::Input(_)) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, schedule.name = %schedule.name, "schedule cannot start");
                Ok(())
            }
        }
    }
}
