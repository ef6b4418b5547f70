//! What is due besides recovery: schedules and re-drives of many. On a task and a connection of its
//! own, so that neither holds up recovery, nor one schedule the others.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::define::ids::{LaneId, RunId};
use crate::store::error::StoreError;
use crate::{
    admin::AdminError,
    define::{hooks::Hooks, panics, run::StartError},
    maintenance::bulk_redrive::{self, pace::Batch},
    store::{
        breakers,
        connection::Link,
        notify_queues,
        schedules::{StartTick, fire},
        session::{ANSWER, within},
        started,
    },
    worker::{
        breakers::{Breakers, FIRST_PROBE, LONGEST_PROBE, News},
        notifier::Notifications,
        slots::Slots,
    },
};

/// One step of a re-drive may take this long.
const STEP: Duration = Duration::from_secs(20);
/// A connection that nobody needed for this long is closed.
const IDLE: Duration = Duration::from_mins(1);

/// A workflow that starts by the clock.
pub(crate) struct Schedule {
    pub name: String,
    pub every: Duration,
    pub start: Box<StartTick>,
}

/// What the last look found to do.
#[derive(Debug, Clone, Default)]
pub(crate) struct DueWork {
    /// Names of schedules that are due, of any build.
    pub schedules: Vec<String>,
    pub redrives: bool,
    /// Dependencies that may be tried again.
    pub probes: Vec<String>,
}

pub(crate) struct Scheduler {
    pub link: Link,
    pub schedules: Arc<Vec<Schedule>>,
    /// Workflows that are told of runs that live again.
    pub hooks: Hooks,
    pub slots: Slots,
    pub notifications: Notifications,
    pub breakers: Breakers,
    /// What the steps of this build declare to need.
    pub needs: Vec<&'static str>,
    pub found: watch::Receiver<DueWork>,
    /// How much the next step of a re-drive takes.
    pub batch: Batch,
}

impl Scheduler {
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                changed = self.found.changed() => if changed.is_err() {
                    break;
                },
                () = self.breakers.some_news() => {
                    self.tell_of_breakers().await;
                    continue;
                }
                () = tokio::time::sleep(IDLE) => {
                    self.link.disconnect();
                    self.link.reset_backoff();
                }
            }
            let due_work = self.found.borrow_and_update().clone();
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.handle(due_work) => {}
            }
        }
        self.link.close().await;
    }

    async fn handle(&mut self, due_work: DueWork) {
        self.tell_of_breakers().await;
        for dependency in &due_work.probes {
            // Others see to what is down on their machine alone.
            if !self.breakers.concern(dependency, &self.needs) {
                continue;
            }
            if let Err(error) = self.take_probe(dependency).await {
                tracing::warn!(error = %error, dependency, "a probe could not be taken");
                self.link.disconnect();
            }
        }
        let schedules = Arc::clone(&self.schedules);
        for schedule in schedules
            .iter()
            .filter(|schedule| due_work.schedules.contains(&schedule.name))
        {
            if let Err(error) = self.tick(schedule).await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, schedule.name = %schedule.name, "schedule cannot start");
                self.link.disconnect();
            }
        }
        let mut more = due_work.redrives;
        while more && !self.found.has_changed().unwrap_or(true) {
            more = match self.redrive().await {
                Ok(more) => more,
                Err(error) => {
                    tracing::warn!(
                        error = %error, letters = self.batch.size(), "a step of a re-drive failed"
                    );
                    self.batch.failed();
                    self.link.disconnect();
                    false
                }
            };
        }
    }

    async fn tell_of_breakers(&mut self) {
        for (dependency, news) in self.breakers.news() {
            match self.tell_of(&dependency, &news).await {
                Ok(()) => self.breakers.told(&dependency, &news),
                Err(error) => {
                    tracing::warn!(error = %error, dependency, "others were not told of a breaker");
                    self.link.disconnect();
                }
            }
        }
    }

    async fn tell_of(&mut self, dependency: &str, news: &News) -> Result<(), StoreError> {
        let (connection, _) = self.link.get().await?;
        match news {
            News::Down(error, lanes) => {
                let lanes: Vec<LaneId> = lanes.iter().copied().collect();
                let opening = breakers::open(connection, dependency, error, &lanes, FIRST_PROBE);
                within(ANSWER, opening).await?;
            }
            News::Up => {
                within(ANSWER, breakers::close(connection, dependency)).await?;
                self.slots.wake();
            }
        }
        self.link.reset_backoff();
        Ok(())
    }

    async fn take_probe(&mut self, dependency: &str) -> Result<(), StoreError> {
        let (connection, _) = self.link.get().await?;
        let taking = breakers::probe(connection, dependency, FIRST_PROBE, LONGEST_PROBE);
        if within(ANSWER, taking).await? {
            self.breakers.may_probe(dependency);
            self.slots.wake();
        }
        self.link.reset_backoff();
        Ok(())
    }

    /// A panic of the caller's input is this schedule's affair alone.
    async fn tick(&mut self, schedule: &Schedule) -> Result<(), StartError> {
        let (connection, _) = self.link.get().await?;
        let firing = fire(connection, &schedule.name, schedule.every, &*schedule.start);
        let firing = started::collecting(within(ANSWER, firing));
        let (fired, lanes) = AssertUnwindSafe(firing)
            .catch_unwind()
            .await
            .map_err(|panic| StartError::Panicked(panics::message(&*panic)))?;
        let fired: Option<RunId> = fired?;
        self.link.reset_backoff();
        if let Some(run) = fired {
            tracing::info!(schedule.name = %schedule.name, run.id = %run, "schedule fired");
            self.slots.wake();
        }
        for lane in lanes {
            self.notifications.add(lane);
        }
        Ok(())
    }

    /// One step. Whether another one may follow at once.
    async fn redrive(&mut self) -> Result<bool, AdminError> {
        let (connection, _) = self.link.get().await?;
        let worked = bulk_redrive::work_off(connection, self.batch.size(), &self.hooks);
        let worked = within(STEP, worked);
        let worked = worked.await?;
        if worked.redriven > 0 {
            self.slots.wake();
            within(ANSWER, notify_queues(connection, &worked.queues)).await?;
        }
        self.link.reset_backoff();
        self.batch.went_well();
        Ok(worked.more)
    }
}
