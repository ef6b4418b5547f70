//! Recovery as the ordinary path: at intervals every process takes one look around and sees to what
//! it finds. The same look tells the dispatcher of work whose notification was lost. Each duty is
//! independent of the others: what fails is logged, and seen to at the next look.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use sqlx::PgConnection;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::define::ids::{LaneId, WorkerId};
use crate::store::error::StoreError;
use crate::{
    maintenance::{
        absences::{ABSENT, Absences},
        scheduler::DueWork,
    },
    protocol::decide::{self, Ended},
    store::{
        breakers,
        claim::take_over,
        connection::Link,
        lanes::Lanes,
        rescue::{self, Candidate, Losses},
        session::{ANSWER, within},
        sweep::{ScanResult, View, note_server, scan},
    },
    worker::{
        breakers::Breakers, completer::Completer, limits::Limits, metrics, notifier::Notifications,
        registry::Registry, slots::Slots,
    },
};

/// What workers get to come back after an outage before they count as lost, and before a task is
/// sent to the dead letters because its worker was.
const COMING_BACK: Duration = Duration::from_secs(10);
/// Every so many scans one reads all leases.
const FULL_SCAN: u32 = 10;
/// Batches of due tasks that one sweep moves at most: its other duties do not wait for a backlog.
const DUE_BATCHES: u32 = 20;

pub(crate) struct Sweeper {
    pub link: Link,
    pub worker_id: WorkerId,
    pub registry: Arc<Registry>,
    pub lanes: Arc<Lanes>,
    /// Work is looked for where no claim has looked lately.
    pub slots: Slots,
    pub notifications: Notifications,
    pub completer: Completer,
    pub breakers: Breakers,
    pub limits: Limits,
    /// What is due besides.
    pub due_work: watch::Sender<DueWork>,
    pub interval: Duration,
    pub lease: Duration,
    pub memory: Absences,
}

impl Sweeper {
    pub async fn run(mut self, stop: CancellationToken) {
        let coming_back = COMING_BACK.min(self.lease / 2);
        for round in 1_u32.. {
            let wait = self.memory.wait(self.interval);
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(wait) => {}
            }
            let swept = tokio::select! {
                () = stop.cancelled() => break,
                swept = self.sweep_once(round, coming_back) => swept,
            };
            if let Err(error) = swept {
                tracing::warn!(error = %error, "sweep failed");
                self.memory = Absences {
                    away: true,
                    ..Absences::default()
                };
                let wait = self.link.disconnect();
                tokio::time::sleep(wait).await;
            }
        }
        self.link.close().await;
    }

    async fn sweep_once(&mut self, round: u32, coming_back: Duration) -> Result<(), StoreError> {
        let lanes = self.lanes.iter();
        let idle: Vec<LaneId> = lanes
            .filter(|(_, lane)| self.slots.idle_for(lane.queue, self.interval / 2))
            .map(|(number, _)| number)
            .collect();
        let all: Vec<LaneId> = self.lanes.iter().map(|(number, _)| number).collect();
        // What the last look saw has to be seen again.
        let thoroughly = self.memory.expired.is_some() || round.is_multiple_of(FULL_SCAN);
        let (connection, _) = self.link.get().await?;
        let view = View {
            worker_id: self.worker_id,
            idle: &idle,
            all: &all,
            stale: self.lease / 2,
            thoroughly,
            coming_back,
        };
        let looking = scan(connection, &view);
        let mut found = within(ANSWER, looking).await?;
        self.link.reset_backoff();
        self.slots.mark_all_ready();
        self.slots.set_suspects(found.suspects);
        if !found.ready.is_empty() || found.due {
            self.slots.wake();
        }
        self.memory.learn(&found, coming_back);
        self.breakers.heard(&found.down);
        if self.limits.heard(&found.limited) {
            self.slots.wake();
        }
        let due_work = DueWork {
            schedules: std::mem::take(&mut found.schedules),
            redrives: found.redrives,
            probes: std::mem::take(&mut found.probes),
        };
        self.due_work.send_replace(due_work);
        self.handle(&found, thoroughly, coming_back).await
    }

    /// Each duty in turn. A refusal by the server concerns that duty alone; a lost connection ends
    /// the sweep.
    async fn handle(
        &mut self,
        found: &ScanResult,
        thoroughly: bool,
        coming_back: Duration,
    ) -> Result<(), StoreError> {
        if found.unnoted {
            let (connection, _) = self.link.get().await?;
            let noting = note_server(connection, &found.server);
            let noted = within(ANSWER, noting).await;
            self.independent("note the server", noted)?;
        }
        if found.due {
            let moved = self.move_due().await;
            self.independent("make due tasks ready", moved)?;
        }
        let losses = self.losses(coming_back);
        if !losses.lost.is_empty() || self.memory.expired_for(ABSENT) {
            let rescued = self.rescue(&losses).await;
            self.independent("rescue tasks", rescued)?;
        }
        if thoroughly {
            if !found.down.is_empty() {
                let (connection, _) = self.link.get().await?;
                let forgetting = within(ANSWER, breakers::forget(connection)).await;
                self.independent("forget old breakers", forgetting)?;
            }
            // A lease without a task expires as others do. Without this question every process would read
            // all leases twice.
            if found.expired {
                let (connection, _) = self.link.get().await?;
                let dropping = rescue::drop_orphans(connection);
                let dropped = within(ANSWER, dropping).await;
                self.independent("remove leases without a task", dropped)?;
            }
        }
        Ok(())
    }

    fn losses(&self, coming_back: Duration) -> Losses {
        Losses {
            lost: self.memory.absent_for(ABSENT),
            undecided: self.memory.absent_since(ABSENT),
            gone: self.memory.absent_for(coming_back),
            known: self.lanes.iter().map(|(number, _)| number).collect(),
        }
    }

    async fn move_due(&mut self) -> Result<(), StoreError> {
        for _ in 0..DUE_BATCHES {
            let (connection, _) = self.link.get().await?;
            let moved = within(ANSWER, rescue::due(connection)).await?;
            self.tell(&moved.lanes);
            if !moved.more {
                break;
            }
        }
        Ok(())
    }

    async fn rescue(&mut self, losses: &Losses) -> Result<(), StoreError> {
        let (connection, _) = self.link.get().await?;
        within(ANSWER, rescue::count_lost(connection, &losses.lost)).await?;
        let candidates = within(ANSWER, rescue::candidates(connection, losses)).await?;
        let rescuing = rescue::rescue(connection, losses, &candidates);
        let rescued = match within(ANSWER, rescuing).await {
            Err(error) if error.is_answer() && candidates.len() > 1 => {
                // One of them has it: each by itself, so that it holds up no other.
                tracing::warn!(error = %error, "a rescue failed, each goes alone");
                one_by_one(connection, losses, &candidates).await?
            }
            rescued => rescued?,
        };
        within(ANSWER, rescue::strike_off(connection, &losses.lost)).await?;
        let since = losses
            .lost
            .iter()
            .filter_map(|id| self.memory.absent.get(id));
        let since = since.chain(&self.memory.expired).min().copied();
        if rescued.taken > 0 {
            let after = since.map(|since| since.elapsed()).unwrap_or_default();
            metrics::rescued(rescued.taken, after);
            metrics::lost(&self.lanes, &rescued.crashed, "crashed");
            metrics::lost(&self.lanes, &rescued.innocent, "lost");
            tracing::warn!(
                rescue.tasks = rescued.taken, rescue.workers = ?losses.lost, "tasks rescued"
            );
        }
        if rescued.busy > 0 {
            metrics::busy(rescued.busy);
            tracing::info!(
                rescue.runs = rescued.busy,
                "somebody holds runs that are to be rescued"
            );
        }
        if rescued.taken > 0 && !losses.lost.is_empty() {
            // They may be suspects, which the next look would find.
            self.slots.set_suspects(true);
        }
        self.tell(&rescued.lanes);
        self.dead_letter(&rescued.poison).await
    }

    /// Tasks of which their workers died for the last time: their ends are written as any other.
    async fn dead_letter(&mut self, poison: &[Candidate]) -> Result<(), StoreError> {
        if poison.is_empty() {
            return Ok(());
        }
        let leases = poison.iter().map(Candidate::lease).collect();
        let (connection, _) = self.link.get().await?;
        let taking = take_over(connection, &self.lanes, self.worker_id, self.lease, &leases);
        for claim in within(ANSWER, taking).await? {
            let Some((definition, step)) = self.registry.find(&claim) else {
                continue;
            };
            let claim = Arc::clone(&claim);
            let completion = decide::decide(claim, definition, step, Ended::Crashed, 0.0);
            let completer = self.completer.clone();
            tokio::spawn(async move { completer.commit(completion).await });
        }
        Ok(())
    }

    /// What the server refuses concerns this duty alone. The session may be the reason: it began while
    /// the database was read-only, say.
    fn independent(
        &mut self,
        duty: &str,
        result: Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match result {
            Err(error) if error.is_answer() => {
                tracing::warn!(error = %error, "could not {duty}; tried again at the next look");
                self.link.disconnect();
                Ok(())
            }
            other => other,
        }
    }

    /// Work became ready, for this process and for others.
    fn tell(&self, lanes: &[LaneId]) {
        if lanes.is_empty() {
            return;
        }
        self.slots.wake();
        for lane in lanes.iter().collect::<BTreeSet<_>>() {
            self.notifications.add(*lane);
        }
    }
}

async fn one_by_one(
    connection: &mut PgConnection,
    losses: &Losses,
    candidates: &[Candidate],
) -> Result<rescue::Rescued, StoreError> {
    let mut all = rescue::Rescued::default();
    for candidate in candidates {
        let one = std::slice::from_ref(candidate);
        match within(ANSWER, rescue::rescue(connection, losses, one)).await {
            Ok(rescued) => all.add(rescued),
            Err(error) if error.is_answer() => {
                tracing::warn!(
                    error = %error, run.id = %candidate.run_id, "a task could not be rescued"
                );
            }
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}
