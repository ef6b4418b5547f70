//! What is done to the system, and how long it takes to get over it.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rand::{Rng, rngs::StdRng};

use crate::{Arena, patience::Patience, worker::LEASE};

/// While a worker stands still, others go on in this time.
const OTHERS: Duration = Duration::from_secs(3);
/// And have taken over what it held in this.
const HELD: Duration = LEASE.saturating_add(Duration::from_secs(10));

/// One kind of harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// `kill -9` of a worker.
    Kill,
    /// A worker is stopped for longer than its leases last, and comes back as a zombie.
    Freeze,
    /// The same in the middle of a commit, with the locks of all whose results it was to write.
    FreezeInCommit,
    /// Every connection of the engines is cut.
    Cut,
    /// The connections of a worker fall silent, and the server knows nothing of it.
    Silence,
    /// Postgres stops as in a crash, and starts again.
    Crash,
}

impl Harm {
    pub const ALL: [Self; 6] = [
        Self::Kill,
        Self::Freeze,
        Self::FreezeInCommit,
        Self::Cut,
        Self::Silence,
        Self::Crash,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill -9 of a worker",
            Self::Freeze => "worker frozen beyond its leases",
            Self::FreezeInCommit => "worker frozen in a commit",
            Self::Cut => "every connection cut",
            Self::Silence => "connections of a worker silent",
            Self::Crash => "Postgres crashed and restarted",
        }
    }

    /// Does it, and returns how long it took until all was well: the victim's tasks are taken from
    /// it, or work is done again.
    pub async fn inflict(self, arena: &mut Arena, random: &mut StdRng) -> Duration {
        let victim = random.random_range(0..arena.workers.len());
        let name = arena.workers[victim].name();
        match self {
            Self::Kill => {
                arena.workers[victim].replace();
                let hit = Instant::now();
                without_leases(arena, &name).await;
                hit.elapsed()
            }
            Self::Freeze => {
                arena.workers[victim].signal(Signal::SIGSTOP);
                frozen(arena, victim).await
            }
            Self::FreezeInCommit => {
                at_work(arena, &name).await;
                arena.workers[victim].freeze_in_a_commit();
                let patience = Patience::begin(format!("{name} to commit something"));
                while !arena.workers[victim].is_frozen() && work_is_left(arena).await {
                    patience.pause().await;
                }
                frozen(arena, victim).await
            }
            Self::Cut => {
                let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                           WHERE application_name LIKE 'workflows%'";
                arena.ask(cut).await;
                progress(arena).await
            }
            Self::Silence => {
                let hit = Instant::now();
                arena.workers[victim].fall_silent();
                at_work(arena, &name).await;
                hit.elapsed()
            }
            Self::Crash => {
                let hit = Instant::now();
                arena.postgres.stop_immediate().await;
                arena.postgres.restart().await.unwrap();
                progress(arena).await;
                hit.elapsed()
            }
        }
    }
}

/// A frozen worker loses its tasks to others, who are not held up by it.
async fn frozen(arena: &Arena, victim: usize) -> Duration {
    let name = arena.workers[victim].name();
    let hit = Instant::now();
    let others = progress(arena).await;
    assert!(
        others < OTHERS,
        "{name} stands still, and others wait for {others:?}"
    );
    without_leases(arena, &name).await;
    let recovered = hit.elapsed();
    assert!(
        recovered < HELD,
        "what {name} held was taken after {recovered:?}"
    );
    let rest = (LEASE + Duration::from_secs(1)).saturating_sub(recovered);
    tokio::time::sleep(rest).await;
    arena.workers[victim].signal(Signal::SIGCONT);
    recovered
}

/// Waits until a process has no task any more.
async fn without_leases(arena: &Arena, name: &str) {
    let sql = "SELECT count(*) FROM workflows.leases JOIN workflows.workers USING (worker_id) WHERE name = $1";
    let patience = Patience::begin(format!("{name} to have no task any more"));
    while arena.ask_about(sql, name).await > 0 {
        patience.pause().await;
    }
}

/// Waits until a process has done a step that was not done before, or nothing is left to do.
async fn at_work(arena: &Arena, name: &str) {
    let sql = "SELECT count(*) FROM workflows.attempts JOIN workflows.workers USING (worker_id)
               WHERE name = $1 AND outcome = 'done'";
    let patience = Patience::begin(format!("{name} to be at work again"));
    let before = arena.ask_about(sql, name).await;
    while arena.ask_about(sql, name).await == before && work_is_left(arena).await {
        patience.pause().await;
    }
}

/// Waits until a step is done that was not done before, or nothing is left to do.
async fn progress(arena: &Arena) -> Duration {
    let hit = Instant::now();
    let done = "SELECT count(*) FROM workflows.attempts WHERE outcome = 'done'";
    let patience = Patience::begin("anybody to be at work again".to_owned());
    let before = arena.ask(done).await;
    while arena.ask(done).await == before && work_is_left(arena).await {
        patience.pause().await;
    }
    hit.elapsed()
}

async fn work_is_left(arena: &Arena) -> bool {
    arena.ask("SELECT count(*) FROM workflows.tasks").await > 0
}
