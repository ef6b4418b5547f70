//! Limits over all processes.

use std::{
    collections::HashMap,
    sync::{
        LazyLock, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use workflows::{
    Attempt, Done, EngineConfig, Step, StepError, Workflow,
    admin::limits::{self, Limit},
};

use crate::world::{BY, World, config, leaving};

/// Counts how many run at once, and the most that there were.
pub struct Gauge(AtomicU32, AtomicU32);

impl Gauge {
    pub const fn new() -> Self {
        Self(AtomicU32::new(0), AtomicU32::new(0))
    }

    pub fn enter(&self) {
        let now = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.1.fetch_max(now, Ordering::SeqCst);
    }

    pub fn leave(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }

    pub fn most(&self) -> u32 {
        self.1.load(Ordering::SeqCst)
    }
}

/// Slots enough in both queues.
pub fn wide() -> EngineConfig {
    EngineConfig {
        queues: ["narrow", "default"]
            .map(|queue| (queue.to_owned(), 16))
            .into(),
        ..config()
    }
}

/// The queue is known from the first start on.
pub async fn limit(world: &World, limit: Limit) {
    limits::set(&world.pool, "narrow", limit, BY).await.unwrap();
}

pub fn at_once(most: u32) -> Limit {
    Limit {
        concurrency: Some(most),
        ..Limit::default()
    }
}

static BUSY: Gauge = Gauge::new();
struct Scan;
impl Step for Scan {
    const NAME: &'static str = "scan";
    const QUEUE: &'static str = "narrow";
    type Context = ();
    type Input = u32;
    type Output = u32;
    async fn run(_: &Attempt, n: u32) -> Result<Done<u32>, StepError> {
        BUSY.enter();
        tokio::time::sleep(Duration::from_millis(20)).await;
        BUSY.leave();
        Ok(Done::new(n))
    }
}
struct Rescan;
impl Step for Rescan {
    const NAME: &'static str = "rescan";
    const QUEUE: &'static str = "narrow";
    type Context = ();
    type Input = u32;
    type Output = u32;
    async fn run(cx: &Attempt, n: u32) -> Result<Done<u32>, StepError> {
        BUSY.enter();
        tokio::time::sleep(Duration::from_millis(10)).await;
        BUSY.leave();
        Ok(leaving(cx, "rescan", n))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_more_than_the_limit_run_at_once_in_all_processes_together() {
    let world = World::new().await;
    let route = Workflow::named("scans", 1)
        .step::<Scan>()
        .step::<Rescan>()
        .build();
    let mut subjects = vec![world.start(&route, &0).await];
    limit(&world, at_once(3)).await;
    for n in 1..30 {
        let owner = format!("owner {}", n % 4);
        subjects.push(world.start_for(&owner, &route.starter(), &n).await);
    }
    let engines = [
        world.engine_with(&route, wide()),
        world.engine_with(&route, wide()),
    ];
    for subject in subjects {
        world.reaches(subject, "succeeded").await;
        assert_eq!(world.effects(subject).await, ["rescan"]);
    }
    assert_eq!(BUSY.most(), 3, "as many as may, and no more");
    world.assert_idle().await;
    for engine in engines {
        engine.stop().await;
    }
}

static OWNERS: LazyLock<Mutex<HashMap<u32, (u32, u32)>>> = LazyLock::new(Mutex::default);
struct Upload;
impl Step for Upload {
    const NAME: &'static str = "upload";
    const QUEUE: &'static str = "narrow";
    type Context = ();
    type Input = u32;
    type Output = u32;
    async fn run(_: &Attempt, owner: u32) -> Result<Done<u32>, StepError> {
        {
            let mut owners = OWNERS.lock().unwrap();
            let (now, most) = owners.entry(owner).or_default();
            *now += 1;
            *most = (*most).max(*now);
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
        OWNERS.lock().unwrap().entry(owner).or_default().0 -= 1;
        Ok(Done::new(owner))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_gets_no_more_than_its_part_and_holds_up_no_other() {
    let world = World::new().await;
    let one = Workflow::named("uploads", 1).step::<Upload>().build();
    let two = Workflow::named("uploads", 2).step::<Upload>().build();
    world.start_for("1", &one.starter(), &1).await;
    let per_key = Limit {
        per_key: Some(2),
        ..Limit::default()
    };
    limit(&world, per_key).await;
    // One owner has much more to do, in two versions of the workflow.
    for _ in 0..20 {
        world.start_for("1", &one.starter(), &1).await;
        world.start_for("1", &two.starter(), &1).await;
    }
    let mut others = Vec::new();
    for owner in 2..6_u32 {
        for _ in 0..3 {
            let key = owner.to_string();
            others.push(world.start_for(&key, &one.starter(), &owner).await);
        }
    }
    let engine = || {
        let engine = workflows::Engine::new(&world.pool, wide());
        World::run(engine.register(&one).register(&two))
    };
    let engines = [engine(), engine()];
    for subject in others {
        world.reaches(subject, "succeeded").await;
    }
    assert!(
        world.count("tasks").await > 0,
        "the others did not wait for the one"
    );
    world
        .until("everything to be done", async || {
            (world.count("tasks").await == 0).then_some(())
        })
        .await;
    let most: Vec<u32> = OWNERS
        .lock()
        .unwrap()
        .values()
        .map(|(_, most)| *most)
        .collect();
    assert_eq!(most, [2; 5], "two of each, and no more");
    for engine in engines {
        engine.stop().await;
    }
}

static BEGUN: Mutex<Vec<Instant>> = Mutex::new(Vec::new());
struct Call;
impl Step for Call {
    const NAME: &'static str = "call";
    const QUEUE: &'static str = "narrow";
    type Context = ();
    type Input = u32;
    type Output = u32;
    async fn run(_: &Attempt, n: u32) -> Result<Done<u32>, StepError> {
        BEGUN.lock().unwrap().push(Instant::now());
        Ok(Done::new(n))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_holds_over_all_processes() {
    let world = World::new().await;
    let route = Workflow::named("calls", 1).step::<Call>().build();
    world.start(&route, &0).await;
    let rate = Limit {
        per_second: Some(20.0),
        ..Limit::default()
    };
    limit(&world, rate).await;
    for n in 1..60 {
        world.start(&route, &n).await;
    }
    let engines = [
        world.engine_with(&route, wide()),
        world.engine_with(&route, wide()),
    ];
    world
        .until("all calls", async || {
            (world.count("tasks").await == 0).then_some(())
        })
        .await;
    let begun = BEGUN.lock().unwrap().clone();
    let took = begun[59].duration_since(begun[0]).as_secs_f64();
    // Five may be saved up.
    assert!(
        (54.0 / 20.0 - 0.2..12.0).contains(&took),
        "60 calls took {took} s"
    );
    let second = Duration::from_secs(1);
    let most = begun.iter().map(|from| {
        let window = begun
            .iter()
            .filter(|at| **at >= *from && **at < *from + second);
        window.count()
    });
    let most = most.max().unwrap();
    assert!(most <= 28, "{most} calls in one second");
    for engine in engines {
        engine.stop().await;
    }
}
