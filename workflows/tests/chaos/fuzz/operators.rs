//! People who do whatever comes to their minds, at the same time.

use std::{collections::BTreeMap, time::Instant};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use sqlx::PgPool;
use uuid::Uuid;
use workflows::admin::{
    Actor, AdminError,
    dead_letters::{self, LetterFilter},
    queues,
    redrive::{self, Pace},
    runs,
};

const BY: Actor<'static> = Actor::new("fuzz", "to see what happens");
const STEPS: [&str; 4] = ["prepare", "split", "merge", "finish"];
const QUEUES: [&str; 2] = ["default", "parts"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    Pause,
    Resume,
    Cancel,
    Restart,
    Redrive,
    RedriveFrom,
    Discard,
    PauseQueue,
    ResumeQueue,
    BulkRedrive,
    BulkRedriveFrom,
}

impl Deed {
    /// Each as often as it is done among a hundred.
    const ALL: [(Self, u32); 11] = [
        (Self::Pause, 12),
        (Self::Resume, 22),
        (Self::Cancel, 2),
        (Self::Restart, 6),
        (Self::Redrive, 26),
        (Self::RedriveFrom, 12),
        (Self::Discard, 4),
        (Self::PauseQueue, 2),
        (Self::ResumeQueue, 10),
        (Self::BulkRedrive, 1),
        (Self::BulkRedriveFrom, 1),
    ];

    fn random(random: &mut StdRng) -> Self {
        let one = Self::ALL.choose_weighted(random, |(_, weight)| *weight);
        one.expect("weights").0
    }

    async fn attempt(self, pool: &PgPool, random: &mut StdRng) -> Result<(), AdminError> {
        let step = STEPS[random.random_range(0..STEPS.len())];
        let queue = QUEUES[random.random_range(0..QUEUES.len())];
        let pace = Pace {
            per_second: random.random_range(5.0..200.0),
            cap: random.random_range(1..50),
        };
        let all = LetterFilter::default();
        match self {
            Self::Pause => {
                runs::pause(pool, run(pool, "state = 'running'").await?.into(), BY).await
            }
            Self::Resume => {
                runs::resume(pool, run(pool, "paused_at IS NOT NULL").await?.into(), BY).await
            }
            Self::Cancel => {
                runs::cancel(pool, run(pool, "ended_at IS NULL").await?.into(), BY).await
            }
            Self::Restart => {
                let run = run(pool, "state <> 'running'").await?;
                let step = random.random_bool(0.5).then_some(step);
                runs::restart(pool, run.into(), step, BY).await
            }
            Self::Redrive => {
                dead_letters::redrive(pool, letter(pool).await?.into(), None, BY).await
            }
            Self::RedriveFrom => {
                dead_letters::redrive(pool, letter(pool).await?.into(), Some(step), BY).await
            }
            Self::Discard => dead_letters::discard(pool, letter(pool).await?.into(), BY).await,
            Self::PauseQueue => queues::pause(pool, queue, BY).await,
            Self::ResumeQueue => queues::resume(pool, queue, BY).await,
            Self::BulkRedrive => redrive::request(pool, &all, None, pace, BY).await.map(drop),
            Self::BulkRedriveFrom => redrive::request(pool, &all, Some(step), pace, BY)
                .await
                .map(drop),
        }
    }
}

async fn run(pool: &PgPool, which: &'static str) -> Result<Uuid, AdminError> {
    let sql = format!("SELECT run_id FROM workflows.runs WHERE {which} ORDER BY random() LIMIT 1");
    let run = sqlx::query_scalar(sqlx::AssertSqlSafe(sql));
    Ok(run.fetch_optional(pool).await?.unwrap_or_else(nobody))
}

async fn letter(pool: &PgPool) -> Result<Uuid, AdminError> {
    let open = "SELECT letter_id FROM workflows.dead_letters WHERE resolved_at IS NULL
                ORDER BY random() LIMIT 1";
    let letter = sqlx::query_scalar(open).fetch_optional(pool).await?;
    Ok(letter.unwrap_or_else(nobody))
}

fn nobody() -> Uuid {
    Uuid::nil()
}

/// What was done, how often, and how often it came too late.
pub type Deeds = BTreeMap<Deed, (u32, u32)>;

/// Does things until the deadline. Whatever comes too late is refused; nothing else may be.
pub async fn operate(pool: PgPool, seed: u64, deadline: Instant) -> Deeds {
    let mut random = StdRng::seed_from_u64(seed);
    let mut deeds = Deeds::new();
    while Instant::now() < deadline {
        let deed = Deed::random(&mut random);
        let result = deed.attempt(&pool, &mut random).await;
        let (done, late) = deeds.entry(deed).or_default();
        match result {
            Ok(()) => *done += 1,
            Err(AdminError::Conflict(_)) => *late += 1,
            Err(AdminError::NotFound { id, .. }) if id == nobody().to_string() => *late += 1,
            Err(error) => panic!("{deed:?}: {error:?}"),
        }
    }
    deeds
}

/// Lets everything go on.
pub async fn let_go(pool: &PgPool) {
    for queue in QUEUES {
        tolerate(&queues::resume(pool, queue, BY).await);
    }
    let paused = "SELECT run_id FROM workflows.runs WHERE paused_at IS NOT NULL";
    let paused: Vec<Uuid> = sqlx::query_scalar(paused).fetch_all(pool).await.unwrap();
    for run in paused {
        tolerate(&runs::resume(pool, run.into(), BY).await);
    }
    let pace = Pace {
        per_second: 1000.0,
        cap: 100_000,
    };
    let all = LetterFilter::default();
    redrive::request(pool, &all, None, pace, BY).await.unwrap();
}

fn tolerate(result: &Result<(), AdminError>) {
    assert!(
        matches!(result, Ok(()) | Err(AdminError::Conflict(_))),
        "{result:?}"
    );
}
