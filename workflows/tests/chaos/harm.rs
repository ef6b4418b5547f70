//! What is done to the system, and how long it takes to get over it.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rand::{Rng, rngs::StdRng};

use crate::{Arena, worker::LEASE};

/// One kind of harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// `kill -9` of a worker.
    Kill,
    /// A worker is stopped for longer than its leases last, and comes back as a zombie.
    Freeze,
    /// Every connection of the engines is cut.
    Cut,
    /// Postgres stops as in a crash, and starts again.
    Crash,
}

impl Harm {
    pub const ALL: [Self; 4] = [Self::Kill, Self::Freeze, Self::Cut, Self::Crash];

    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill -9 of a worker",
            Self::Freeze => "worker frozen beyond its leases",
            Self::Cut => "every connection cut",
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
                let url = arena.url.clone();
                arena.workers[victim].replace(&url);
                let hit = Instant::now();
                without_leases(arena, &name).await;
                hit.elapsed()
            }
            Self::Freeze => {
                arena.workers[victim].signal(Signal::SIGSTOP);
                let hit = Instant::now();
                without_leases(arena, &name).await;
                let recovered = hit.elapsed();
                let rest = (LEASE + Duration::from_secs(1)).saturating_sub(recovered);
                tokio::time::sleep(rest).await;
                arena.workers[victim].signal(Signal::SIGCONT);
                recovered
            }
            Self::Cut => {
                let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                           WHERE application_name = 'workflows'";
                arena.ask(cut).await;
                progress(arena).await
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

/// Waits until a process has no task any more.
async fn without_leases(arena: &Arena, name: &str) {
    let sql = "SELECT count(*) FROM workflows.leases JOIN workflows.workers USING (worker_id) WHERE name = $1";
    loop {
        let leases: Result<i64, _> = sqlx::query_scalar(sql)
            .bind(name)
            .fetch_one(&arena.pool)
            .await;
        if leases.is_ok_and(|leases| leases == 0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until a step is done that was not done before, or nothing is left to do.
async fn progress(arena: &Arena) -> Duration {
    let hit = Instant::now();
    let done = "SELECT count(*) FROM workflows.attempts WHERE outcome = 'done'";
    let before = arena.ask(done).await;
    while arena.ask(done).await == before
        && arena.ask("SELECT count(*) FROM workflows.tasks").await > 0
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    hit.elapsed()
}
