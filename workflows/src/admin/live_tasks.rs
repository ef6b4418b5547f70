//! Where the live tasks of a run are, and what each of them waits for.

mod queue;

use std::collections::HashMap;

use sqlx::PgPool;

use crate::{
    admin::{
        AdminError, Breaker, Pause,
        answer::{Answer, Lack, Progress, TaskAnswer, Tried},
        breakers,
        limits::{self, LimitEntry},
        payload::Short,
        queues,
        runs::RunEntry,
        workers::{Fleet, Placement},
    },
    store::live_tasks,
};

/// A run may have more live tasks than this. Those beyond are not shown.
const TASKS: i64 = 200;
/// What is ahead of a task in its queue is counted up to this.
const COUNTED: i64 = 10_000;

/// The run's live tasks, those that are running first.
pub(super) async fn live_tasks(
    pool: &PgPool,
    run: &RunEntry,
) -> Result<Vec<TaskAnswer>, AdminError> {
    let surroundings = Surroundings {
        run,
        fleet: Fleet::muster(pool).await?,
        paused: queues::paused(pool).await?,
        limits: limits::by_queue(pool).await?,
        down: breakers::list(pool).await?,
    };
    let places = live_tasks::of_run(pool, run.run_id, TASKS).await?;
    let mut tasks = Vec::with_capacity(places.len());
    for place in places.into_iter().map(Place) {
        let answer = match place.held_back(&surroundings) {
            Err(answer) => *answer,
            Ok(queue) => place.in_the_queue(pool, queue, &surroundings).await?,
        };
        tasks.push(TaskAnswer {
            task_id: place.task_id,
            step: place.step.clone(),
            child: place.child,
            answer,
        });
    }
    Ok(tasks)
}

/// What holds for all tasks of the run.
struct Surroundings<'a> {
    run: &'a RunEntry,
    fleet: Fleet,
    /// Queues that somebody holds.
    paused: HashMap<String, Pause>,
    /// Queues that have limits.
    limits: HashMap<String, LimitEntry>,
    /// Outside services that are down.
    down: Vec<Breaker>,
}

/// A live task, with what is asked about it.
struct Place(live_tasks::LiveTask);

impl std::ops::Deref for Place {
    type Target = live_tasks::LiveTask;

    fn deref(&self) -> &live_tasks::LiveTask {
        &self.0
    }
}

impl Place {
    /// Who works on it, or what keeps it from being claimed. If nothing does: the queue in which it
    /// waits for a slot.
    fn held_back(&self, around: &Surroundings<'_>) -> Result<String, Box<Answer>> {
        let placements = around
            .fleet
            .placements(&self.workflow, self.version, &self.step);
        if let Some(answer) = self.in_hand(&around.fleet, &placements) {
            return Err(answer.into());
        }
        if let Some(paused) = &around.run.paused {
            return Err(Box::new(paused.into()));
        }
        if let Some(due_at) = self.due_at {
            if self.overdue && around.fleet.is_empty() {
                return Err(self.nobody(Lack::Workers, self.queue.clone()).into());
            }
            return Err(Box::new(Answer::WaitingForRetry {
                step: self.step.clone(),
                due_at,
                tried: self.tried(&placements),
            }));
        }
        let queue = self.queue_that_serves(around, &placements)?;
        match self.without(around, &placements) {
            Some(down) => Err(down.into()),
            None => Ok(queue),
        }
    }

    /// How its attempts went.
    fn tried(&self, placements: &[Placement]) -> Tried {
        Tried {
            errors: self.errors,
            attempts: placements.first().and_then(|placement| placement.attempts),
            error: self.error.as_deref().map(|error| Short::of(error).whole()),
        }
    }

    /// What it needs and what is down.
    fn without(&self, around: &Surroundings<'_>, placements: &[Placement]) -> Option<Answer> {
        let needs = &placements.first()?.needs;
        let mut down = around.down.iter();
        let breaker = down.find(|breaker| breaker.holds(self.lane, needs))?;
        Some(Answer::DependencyDown {
            step: self.step.clone(),
            dependency: breaker.dependency.clone(),
            since: breaker.since,
            error: breaker.error.clone(),
            probe_at: breaker.probe_at,
        })
    }

    /// Who has it, or had it.
    fn in_hand(&self, fleet: &Fleet, placements: &[Placement]) -> Option<Answer> {
        let (worker_id, since) = (self.worker_id?, self.since?);
        let (step, worker, build) = (self.step.clone(), self.worker.clone(), self.build.clone());
        if fleet.has(worker_id) && !self.expired {
            return Some(Answer::Running {
                step,
                worker,
                build,
                since,
                lease_until: self.lease_until?,
                progress: self.progress(),
                tried: self.tried(placements),
            });
        }
        Some(Answer::WorkerLost {
            step,
            worker,
            build,
            since,
            gone: !fleet.has(worker_id),
            seen_at: self.seen_at,
            taken_soon: !fleet.is_empty(),
        })
    }

    fn progress(&self) -> Option<Box<Progress>> {
        Some(Box::new(Progress {
            done: self.done?,
            note: self.note.clone()?,
            at: self.told_at?,
        }))
    }

    /// The queue in which a live worker claims it. Workers go by their own routes, so two builds may
    /// have the step in two queues.
    fn queue_that_serves(
        &self,
        around: &Surroundings<'_>,
        placements: &[Placement],
    ) -> Result<String, Box<Answer>> {
        let newest = placements.first().map(|placement| &placement.queue);
        let queue = newest.unwrap_or(&self.queue).clone();
        let served = placements.iter().filter(|placement| placement.slots > 0);
        let served: Vec<&String> = served.map(|placement| &placement.queue).collect();
        let open = served
            .iter()
            .find(|queue| !around.paused.contains_key(**queue));
        if let Some(open) = open {
            return Ok((*open).clone());
        }
        // Where nobody serves it, a pause of its queue is still the first thing to know.
        if let Some(paused) = around.paused.get(&queue) {
            return Err(Box::new(Answer::QueuePaused {
                by: paused.by.clone(),
                at: paused.at,
                reason: paused.reason.clone(),
                queue,
            }));
        }
        let lack = match (around.fleet.is_empty(), placements.is_empty()) {
            (true, _) => Lack::Workers,
            (false, true) => Lack::Step,
            (false, false) => Lack::Slots,
        };
        Err(self.nobody(lack, queue).into())
    }

    fn nobody(&self, lack: Lack, queue: String) -> Answer {
        Answer::NoWorker {
            workflow: self.workflow.clone(),
            version: self.version,
            step: self.step.clone(),
            lack,
            queue,
        }
    }
}
