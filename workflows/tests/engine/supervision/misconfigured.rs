//! Settings that make no sense are refused at the start, in a sentence that names them.

use std::{cell::Cell, time::Duration};

use tokio_util::sync::CancellationToken;
use workflows::{
    Attempt, Backoff, Done, Engine, EngineConfig, EngineError, Step, StepError, StepSettings,
    Workflow,
};

use crate::world::{World, config};

/// A step with whatever backoff. Steps say it when their route is made.
struct Hasty;

thread_local! {
    static BACKOFF: Cell<Backoff> = Cell::new(Backoff::default());
}

impl Step for Hasty {
    const NAME: &'static str = "hasty";
    type Context = ();
    type Input = u32;
    type Output = u32;

    fn settings() -> StepSettings {
        StepSettings {
            backoff: BACKOFF.get(),
            ..StepSettings::default()
        }
    }

    async fn run(_: &Attempt, n: u32) -> Result<Done<u32>, StepError> {
        Ok(Done::new(n))
    }
}

fn route(backoff: Backoff) -> Workflow<u32> {
    BACKOFF.set(backoff);
    Workflow::named("errand", 7).step::<Hasty>().build()
}

fn sound() -> Workflow<u32> {
    route(Backoff::default())
}

async fn is_refused(world: &World, engine: Engine, words: &[&str]) {
    let never = CancellationToken::new;
    let running = engine.run(never(), never());
    let ended = tokio::time::timeout(Duration::from_secs(20), running).await;
    let error = ended.expect("it ends at once").expect_err("a refusal");
    let sentence = error.to_string();
    assert!(matches!(error, EngineError::Misconfigured(_)), "{error:?}");
    for word in words {
        assert!(
            sentence.contains(word),
            "{sentence:?} does not name {word:?}"
        );
    }
    let workers = sqlx::query_scalar("SELECT count(*) FROM workflows.workers");
    let workers: i64 = workers.fetch_one(&world.pool).await.unwrap();
    assert_eq!(workers, 0, "nothing was begun");
}

#[tokio::test]
async fn a_backoff_that_makes_no_sense_is_refused_by_the_name_of_its_step() {
    let world = World::new().await;
    let (usual, week) = (Backoff::default(), Duration::from_hours(7 * 24));
    for senseless in [
        Backoff {
            factor: -2.0,
            ..usual
        },
        Backoff {
            factor: f64::NAN,
            ..usual
        },
        Backoff {
            factor: f64::INFINITY,
            ..usual
        },
        Backoff {
            factor: 0.0,
            ..usual
        },
        Backoff {
            attempts: 0,
            ..usual
        },
        Backoff {
            first: Duration::MAX,
            cap: Duration::MAX,
            ..usual
        },
        Backoff { cap: week, ..usual },
    ] {
        let engine = Engine::new(&world.pool, config()).register(&route(senseless));
        is_refused(&world, engine, &["hasty", "errand", "backoff"]).await;
    }
}

#[tokio::test]
async fn times_that_make_no_sense_are_refused_by_name() {
    let world = World::new().await;
    let zero = Duration::ZERO;
    for (config, words) in [
        (
            EngineConfig {
                lease: zero,
                ..config()
            },
            ["lease", "0ns"],
        ),
        (
            EngineConfig {
                lease: Duration::MAX,
                ..config()
            },
            ["lease", "must be"],
        ),
        (
            EngineConfig {
                sweep: zero,
                ..config()
            },
            ["sweep", "0ns"],
        ),
        (
            EngineConfig {
                poll: zero,
                ..config()
            },
            ["poll", "0ns"],
        ),
        (
            EngineConfig {
                sweep: Duration::MAX,
                ..config()
            },
            ["sweep", "must be"],
        ),
        (
            EngineConfig {
                grace: Duration::MAX,
                ..config()
            },
            ["grace", "must be"],
        ),
    ] {
        let engine = Engine::new(&world.pool, config).register(&sound());
        is_refused(&world, engine, &words).await;
    }
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_by_name() {
    let world = World::new().await;
    let engine = || Engine::new(&world.pool, config()).register(&sound());
    is_refused(
        &world,
        engine().register(&sound()),
        &["errand", "version 7"],
    )
    .await;

    let (minute, starter) = (Duration::from_mins(1), sound().starter());
    let twice = engine()
        .schedule("nightly", minute, &starter, 1)
        .schedule("hourly", minute, &starter, 2)
        .schedule("nightly", minute, &starter, 3);
    is_refused(&world, twice, &["schedules", "nightly"]).await;

    let queues = ["default", "dear", "default"].map(|name| (name.to_owned(), 2));
    let config = EngineConfig {
        queues: queues.to_vec(),
        ..config()
    };
    let twice = Engine::new(&world.pool, config).register(&sound());
    is_refused(&world, twice, &["queue", "default"]).await;
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once() {
    let world = World::new().await;
    let config = EngineConfig {
        lease: Duration::ZERO,
        sweep: Duration::ZERO,
        ..config()
    };
    let engine = Engine::new(&world.pool, config)
        .register(&sound())
        .register(&sound());
    is_refused(&world, engine, &["lease", "sweep", "errand"]).await;
}

/// Two versions of a workflow, and one name for a workflow and a schedule, are no mistake.
#[tokio::test]
async fn names_that_only_look_alike_are_no_mistake() {
    let world = World::new().await;
    let newer = Workflow::named("errand", 8).step::<Hasty>().build();
    let engine = Engine::new(&world.pool, config())
        .register(&sound())
        .register(&newer)
        .schedule("errand", Duration::from_mins(1), &newer.starter(), 1);
    let engine = World::run(engine);
    for route in [sound(), newer] {
        let subject = world.start(&route, &1).await;
        world.reaches(subject, "succeeded").await;
    }
    engine.stop().await;
}
