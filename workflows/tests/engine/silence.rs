//! Connections that fall silent: no answer, no error, no end. The server knows nothing of it and
//! keeps the session with all its locks. Each part of the engine has to find out by itself, within
//! seconds, and no task may pay for it.
//!
//! The engine is behind a proxy; what looks at the result is not. Parts are known by the names that
//! they give their sessions.

use std::time::{Duration, Instant};

use devkit::{TcpProxy, proxy::Which};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workflows::{Engine, EngineConfig, FanOut, Joined, StepError, Workflow};

use crate::world::{World, leaving, quick, step};

/// What a run may take when something has fallen silent.
const PATIENCE: Duration = Duration::from_secs(10);
const SWEEPER: Which<'_> = Which::Named("workflows sweeper");
const SCHEDULER: Which<'_> = Which::Named("workflows scheduler");
/// More than there are slots: some are announced to other processes.
const CHILDREN: u32 = 12;

step!(Spread "spread": u32 => FanOut<u32, ()>, quick(3), |cx, n| {
    let children = (0..n).collect();
    Ok(leaving(cx, "spread", FanOut { children, carry: () }))
});
step!(Child "child": u32 => u32, quick(3), |cx, n| Ok(leaving(cx, format!("child {n}"), n)));
step!(Gather "gather": Joined<(), u32> => usize, quick(3), |cx, joined| {
    Ok(leaving(cx, "gather", joined.children.len()))
});

/// Every part has something to do with its runs.
fn wide() -> Workflow<u32> {
    Workflow::named("wide", 1)
        .step::<Spread>()
        .fan_out::<Child>()
        .join::<Gather>()
        .build()
}

step!(Wait "wait": u64 => u64, quick(3), |cx, millis| {
    tokio::time::sleep(Duration::from_millis(millis)).await;
    Ok(leaving(cx, "wait", millis))
});

/// Takes as many milliseconds as it is told to.
fn waiting() -> Workflow<u64> {
    Workflow::named("waiting", 1).step::<Wait>().build()
}

/// As patient as in production, and looks no more often.
fn slots(slots: usize) -> EngineConfig {
    EngineConfig {
        queues: vec![("default".to_owned(), slots)],
        ..EngineConfig::default()
    }
}

/// A world, and the only way to it that the engine has.
struct Field {
    world: World,
    proxy: TcpProxy,
    way: PgPool,
}

impl Field {
    async fn open() -> Self {
        let world = World::new().await;
        let proxy = TcpProxy::to_database(world.url()).await.expect("a proxy");
        let way = PgPool::connect_lazy(&proxy.url(world.url())).expect("a URL");
        Self { world, proxy, way }
    }

    fn engine<I>(&self, config: EngineConfig, workflow: &Workflow<I>) -> Engine {
        Engine::new(&self.way, config).register(workflow)
    }

    /// Waits for what `look` finds; says what it waited for when that takes too long.
    async fn within(&self, limit: Duration, what: &str, mut look: impl AsyncFnMut() -> bool) {
        let began = Instant::now();
        while !look().await {
            assert!(
                began.elapsed() < limit,
                "waited {limit:?} for {what}; {:?}; {:?}",
                self.charged().await,
                self.proxy
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn succeeds(&self, subject: Uuid, limit: Duration) {
        self.within(limit, "a run to succeed", async || {
            let run = workflows::inspect::latest_run(&self.world.pool, subject).await;
            run.expect("an answer").expect("a run").state == workflows::RunState::Succeeded
        })
        .await;
    }

    /// A run from start to end.
    async fn work(&self, limit: Duration) {
        let subject = self.world.start(&wide(), &CHILDREN).await;
        self.succeeds(subject, limit).await;
    }

    /// Waits until a part is connected. Parts may connect only when there is something to do.
    async fn connected(&self, part: Which<'_>, limit: Duration) {
        let began = Instant::now();
        while self.proxy.count(part) == 0 {
            let waited = began.elapsed();
            assert!(waited < limit, "waited {limit:?} for {part:?} to connect");
            self.work(PATIENCE).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// How attempts ended that did not end well, and what counts against tasks.
    async fn charged(&self) -> Vec<(String, i64)> {
        let sql = "SELECT outcome, count(*) FROM workflows.attempts WHERE outcome <> 'done' GROUP BY 1
            UNION ALL SELECT 'charged tasks', count(*) FROM workflows.tasks
                WHERE errors + crashes + interruptions > 0 HAVING count(*) > 0
            UNION ALL SELECT 'dead letters', count(*) FROM workflows.dead_letters HAVING count(*) > 0";
        let charged = sqlx::query_as(sql).fetch_all(&self.world.pool).await;
        charged.expect("an answer")
    }

    async fn assert_nothing_charged(&self) {
        let charged = self.charged().await;
        assert!(charged.is_empty(), "no task is to blame: {charged:?}");
    }

    async fn done(&self, workflow: &str) -> i64 {
        let sql = "SELECT count(*) FROM workflows.attempts JOIN workflows.runs USING (run_id)
                   WHERE workflow = $1 AND outcome = 'done'";
        let done = sqlx::query_scalar(sql).bind(workflow);
        done.fetch_one(&self.world.pool).await.expect("a count")
    }
}

/// One part of an idle engine falls silent. Runs go on ending in time, also when the part has
/// found out and has a connection again.
async fn one_part_falls_silent(name: &str, limit: Duration) {
    let (field, part) = (Field::open().await, Which::Named(name));
    let engine = World::run(field.engine(slots(4), &wide()));
    field.work(PATIENCE).await;
    field.connected(part, PATIENCE).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(field.proxy.silence(part) > 0, "{part:?} is connected");
    field.work(limit).await;
    field.connected(part, Duration::from_secs(40)).await;
    field.work(limit).await;
    field.assert_nothing_charged().await;
    field.world.assert_idle().await;
    engine.stop().await;
}

#[tokio::test]
async fn a_silent_presence() {
    one_part_falls_silent("workflows presence", PATIENCE).await;
}

#[tokio::test]
async fn a_silent_committer() {
    one_part_falls_silent("workflows committer", PATIENCE).await;
}

#[tokio::test]
async fn silent_claims() {
    one_part_falls_silent("workflows claims", PATIENCE).await;
}

#[tokio::test]
async fn a_silent_notifier() {
    one_part_falls_silent("workflows notifier", PATIENCE).await;
}

/// A sweep looks each second, whatever is heard.
#[tokio::test]
async fn a_silent_listener() {
    one_part_falls_silent("workflows listener", Duration::from_secs(3)).await;
}

#[tokio::test]
async fn a_silent_sweeper() {
    one_part_falls_silent("workflows sweeper", PATIENCE).await;
}

step!(Again "again": u64 => u64, quick(3), |cx, millis| {
    if cx.attempt == 1 {
        let after = Some(Duration::from_millis(millis));
        return Err(StepError::Retry { source: "not yet".into(), after });
    }
    Ok(leaving(cx, "again", millis))
});

/// A retry becomes due and a schedule fires behind a silent sweeper, and who runs its errands.
async fn what_is_due_behind(parts: &[Which<'_>]) {
    let field = Field::open().await;
    let again = Workflow::named("again", 1).step::<Again>().build();
    let (clock, every) = (waiting().starter(), Duration::from_secs(1));
    let engine = field.engine(slots(4), &again).register(&waiting());
    let engine = World::run(engine.schedule("clock", every, &clock, 0));
    let ticks = async || field.done("waiting").await;
    let first_ticks = async || ticks().await >= 2;
    field.within(PATIENCE, "two ticks", first_ticks).await;
    let subject = field.world.start(&again, &3000).await;
    let deferred = async || field.world.count("deferred").await == 1;
    field.within(PATIENCE, "a retry to wait", deferred).await;
    for part in parts {
        let silenced = field.proxy.silence(*part);
        assert!(silenced > 0, "{part:?} is connected");
    }
    let before = ticks().await;
    field
        .succeeds(subject, Duration::from_secs(3) + PATIENCE)
        .await;
    let more_ticks = async || ticks().await > before + 2;
    field.within(PATIENCE, "more ticks", more_ticks).await;
    let charged = field.charged().await;
    assert_eq!(charged, [("error".to_owned(), 1)], "the one that it made");
    engine.stop().await;
}

#[tokio::test]
async fn what_is_due_behind_a_silent_sweeper() {
    what_is_due_behind(&[SWEEPER]).await;
}

#[tokio::test]
async fn what_is_due_behind_a_silent_scheduler() {
    what_is_due_behind(&[SCHEDULER]).await;
}

#[tokio::test]
async fn what_is_due_when_both_are_silent() {
    what_is_due_behind(&[SWEEPER, SCHEDULER]).await;
}

#[tokio::test]
async fn everything_falls_silent_around_a_long_step() {
    let field = Field::open().await;
    let engine = World::run(field.engine(slots(1), &waiting()));
    let long = field.world.start(&waiting(), &6000).await;
    let begun = async || field.world.count("leases").await == 1;
    field.within(PATIENCE, "a claim", begun).await;
    let waits = field.world.start(&waiting(), &0).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(field.proxy.silence(Which::All) > 0, "it is connected");
    let began = Instant::now();
    for subject in [long, waits] {
        let rest = Duration::from_secs(20).saturating_sub(began.elapsed());
        field.succeeds(subject, rest).await;
    }
    field.assert_nothing_charged().await;
    engine.stop().await;
}

#[tokio::test]
async fn everything_falls_silent_again_and_again() {
    const RUNS: u32 = 200;
    let field = Field::open().await;
    let engine = World::run(field.engine(slots(8), &waiting()));
    let (mut subjects, mut silenced) = (Vec::new(), 0);
    for run in 0..RUNS {
        subjects.push(field.world.start(&waiting(), &50).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
        if run == RUNS / 2 {
            // The server finds out about the first ones: it has only so many sessions.
            field.proxy.cut(Which::Silent);
        }
        if run % 20 == 19 {
            // Sooner, at times, than what is silent already has been noticed.
            silenced += field.proxy.silence(Which::All);
        }
    }
    assert!(silenced >= 5, "it was connected: {silenced}");
    let began = Instant::now();
    for subject in subjects {
        let rest = Duration::from_mins(1).saturating_sub(began.elapsed());
        field.succeeds(subject, rest).await;
        assert_eq!(field.world.effects(subject).await, ["wait"]);
    }
    assert_eq!(field.done("waiting").await, i64::from(RUNS), "each once");
    field.assert_nothing_charged().await;
    field.world.assert_idle().await;
    engine.stop().await;
}

/// The database cannot be reached when the engine is told to stop, in the middle of a step.
async fn it_leaves_within(limit: Duration, grace: Duration, hastened: bool) {
    let field = Field::open().await;
    let config = EngineConfig { grace, ..slots(4) };
    let engine = field.engine(config, &waiting());
    let (stop, hasten) = (CancellationToken::new(), CancellationToken::new());
    let task = tokio::spawn(engine.run(stop.clone(), hasten.clone()));
    let _long = field.world.start(&waiting(), &60_000).await;
    let begun = async || field.world.count("leases").await == 1;
    field.within(PATIENCE, "a claim", begun).await;
    field.proxy.partition(true);
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.cancel();
    if hastened {
        hasten.cancel();
    }
    let left = async || task.is_finished();
    field.within(limit, "the engine to leave", left).await;
    // What it could not hand back is found by others; all that matters is that it did not panic.
    let _result = task.await.expect("no panic");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_database_that_is_away() {
    let grace = Duration::from_secs(2);
    it_leaves_within(grace + PATIENCE, grace, false).await;
}

#[tokio::test]
async fn a_hastened_stop_waits_for_nobody() {
    it_leaves_within(Duration::from_secs(5), Duration::from_secs(20), true).await;
}
