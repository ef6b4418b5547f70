//! Commits the ends of attempts, on tasks and connections of its own.
//!
//! Those that only write the engine's rows share commits ([`group`]). Those with writes of the
//! caller that may meet other rows have a transaction each ([`alone`]), and so has whatever a shared
//! commit could not take. Nothing that passes is charged to a task or given up: the fence alone
//! decides, when the database is there again.

mod alone;
mod decide;
mod group;
mod report;

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::define::ids::{LaneId, WorkerId};
use crate::{
    define::panics::drop_quietly,
    protocol::{
        completion::{Completion, Decision},
        failure::message_of,
    },
    store::{
        complete::{CallersError, CompleteError, Completed, Context, Ending, complete},
        connection::Link,
        lanes::Lanes,
        session::{Session, idle_in_transaction, within},
        started,
    },
    worker::{
        breakers::Breakers, metrics, notifier::Notifications, registry::Registry, slots::Slots,
    },
};

pub(crate) use decide::mourned;

/// Hands completions to the tasks that commit them.
#[derive(Clone)]
pub(crate) struct Completer {
    group: mpsc::Sender<Job>,
    alone: mpsc::UnboundedSender<Job>,
}

/// A completion on its way.
struct Job {
    completion: Completion,
    done: oneshot::Sender<Ending>,
    tries: u32,
}

impl Job {
    /// Tells whoever waits. The caller's writes go with it.
    fn end(self, ending: Ending) {
        let _ = self.done.send(ending);
        drop_quietly(self.completion);
    }

    fn becomes(self, completion: Completion) -> Self {
        drop_quietly(self.completion);
        Self {
            completion,
            done: self.done,
            tries: 0,
        }
    }
}

/// What the tasks that commit share.
#[derive(Clone)]
pub(crate) struct Committing {
    pub session: Session,
    /// Whether the last commit came through.
    pub well: watch::Sender<bool>,
    pub worker_id: WorkerId,
    pub registry: Arc<Registry>,
    pub lanes: Arc<Lanes>,
    pub slots: Slots,
    pub notifications: Notifications,
    pub breakers: Breakers,
    pub lease: Duration,
    /// When it fires, nobody goes on with a next step.
    pub stop: CancellationToken,
    /// When it fires, whatever is not committed is given up, and done again elsewhere.
    pub give_up: CancellationToken,
}

/// The tasks that commit, for the engine to supervise.
pub(crate) struct Tasks<G, A> {
    pub group: G,
    pub alone: A,
}

impl Completer {
    /// A completer and the tasks that drive it until the last clone is gone.
    pub fn new(
        committing: &Committing,
    ) -> (
        Self,
        Tasks<impl Future<Output = ()> + use<>, impl Future<Output = ()> + use<>>,
    ) {
        let (group, for_group) = mpsc::channel(group::BATCH * 4);
        let (alone, for_alone) = mpsc::unbounded_channel();
        let tasks = Tasks {
            group: group::Group::new(committing.clone(), alone.clone()).run(for_group),
            alone: alone::Alone::new(committing.clone()).run(for_alone),
        };
        (Self { group, alone }, tasks)
    }

    /// Returns when the completion is committed, or was found stale, or had to be given up (`None`); the
    /// lease then runs out and the task is done again elsewhere.
    pub async fn commit(&self, completion: Completion) -> Option<Ending> {
        let (done, answer) = oneshot::channel();
        let alone = completion.is_alone();
        let job = Job {
            completion,
            done,
            tries: 0,
        };
        if alone {
            self.alone.send(job).ok()?;
        } else {
            self.group.send(job).await.ok()?;
        }
        answer.await.ok()
    }
}

/// How much a transaction may wait for.
#[derive(Clone, Copy)]
struct Patience {
    /// For a row that somebody else holds.
    lock: Duration,
    /// For the whole of it.
    all: Duration,
    /// For the caller's own writes of one completion.
    writing: Option<Duration>,
}

impl Committing {
    /// Commits the batch in one transaction.
    async fn once(
        &self,
        link: &mut Link,
        batch: &[Completion],
        patience: Patience,
        clean: bool,
    ) -> Result<Completed, CompleteError> {
        let began = Instant::now();
        let refused = |completion: &Completion, error: &CallersError| {
            decide::refused(&self.registry, completion, error)
        };
        let may_go_on = |queue: &str| !self.stop.is_cancelled() && self.slots.can_continue(queue);
        let context = Context {
            lanes: &self.lanes,
            worker_id: self.worker_id,
            lease: self.lease,
            patience: patience.lock,
            limit: patience.all,
            writing: patience.writing,
            idle: idle_in_transaction(self.lease),
            may_go_on: &may_go_on,
            refused: &refused,
        };
        let span = tracing::debug_span!("complete", complete.attempts = batch.len());
        let transaction = async {
            let connection = if clean {
                link.clean().await
            } else {
                link.get().await.map(|(connection, _)| connection)
            };
            let connection = connection.map_err(CompleteError::Unreachable)?;
            complete(connection, batch, &context).instrument(span).await
        };
        let transaction = within(patience.all + Duration::from_secs(1), transaction);
        let (completed, started) = Box::pin(started::collecting(transaction)).await;
        let completed = completed?;
        link.reset_backoff();
        self.well
            .send_if_modified(|well| !std::mem::replace(well, true));
        let untouched = (0..batch.len()).filter(|place| completed.untouched(*place));
        let written = batch.len() - untouched.count() - completed.stale.len();
        metrics::committed(written, began.elapsed());
        for lane in started {
            self.slots.wake();
            self.notifications.add(lane);
        }
        self.tell(batch, &completed);
        report(batch, &completed);
        self.learn(batch, &completed);
        Ok(completed)
    }

    /// Makes it known that work became ready. This process claims it with the slots that are free or
    /// about to be. Other processes are notified of what exceeds them.
    fn tell(&self, batch: &[Completion], completed: &Completed) {
        if completed.ready.is_empty() {
            return;
        }
        self.slots.wake();
        let mut by_queue: HashMap<&str, (usize, Vec<LaneId>)> = HashMap::new();
        for (number, count) in &completed.ready {
            let queue = self.lanes.get(*number).map_or("", |lane| lane.queue);
            let (ready, lanes) = by_queue.entry(queue).or_default();
            *ready += count;
            lanes.push(*number);
        }
        for (queue, (ready, lanes)) in by_queue {
            let places = batch.iter().enumerate();
            let freed = places
                .filter(|(place, s)| {
                    s.claim.lane.queue == queue && !completed.going_on.contains_key(place)
                })
                .count();
            if self.stop.is_cancelled() || ready > freed + self.slots.free(queue) {
                for lane in lanes {
                    self.notifications.add(lane);
                }
            }
        }
    }

    /// What the attempts say about the services that they need.
    fn learn(&self, batch: &[Completion], completed: &Completed) {
        for (place, completion) in batch.iter().enumerate() {
            let lane = &completion.claim.lane;
            match &completion.decision {
                _ if completed.untouched(place) => {}
                Decision::Wait {
                    dependency, error, ..
                } => {
                    let number = self.lanes.number_of(lane).unwrap_or_default();
                    self.breakers.failed(dependency, number, &message_of(error));
                }
                Decision::Advance { .. } | Decision::Joined { .. } | Decision::Reject { .. } => {
                    let number = self.lanes.number_of(lane).unwrap_or_default();
                    self.breakers.worked(number, self.registry.needs(lane));
                }
                _ => {}
            }
        }
    }

    fn unwell(&self) {
        self.well
            .send_if_modified(|well| std::mem::replace(well, false));
    }
}

fn report(batch: &[Completion], completed: &Completed) {
    for (place, completion) in batch.iter().enumerate() {
        let claim = &completion.claim;
        if completed.untouched(place) {
            continue;
        }
        if completed.stale.contains(&place) {
            metrics::lease_lost();
            tracing::info!(
                run.id = %claim.run_id,
                task.id = %claim.task_id,
                attempt.token = claim.token.0,
                "attempt was stale, nothing written"
            );
        } else {
            metrics::completed(completion);
            report::told(completion);
        }
    }
}

/// Doubles from `first` with each try, up to `most`.
fn growing(first: Duration, tries: u32, most: Duration) -> Duration {
    (first * 2_u32.saturating_pow(tries.min(16))).min(most)
}
