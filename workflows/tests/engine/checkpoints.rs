//! Long steps: how far they are, and where they go on after a death.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::PgPool;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use workflows::{
    Attempt, Done, Engine, NextOnError, Step, StepError, StepSettings, Workflow,
    admin::{dead_letters, explain::Answer},
    inspect::latest_run,
};

use crate::{
    process::Process,
    world::{BY, World, config, leaving, quick, slots, step},
};

/// Does its parts one after the other; each leaves a row, and none may leave it twice.
struct Parts;
/// Whether the process gets no further than to the middle.
static STOPS: AtomicBool = AtomicBool::new(false);

impl Step for Parts {
    const NAME: &'static str = "parts";
    type Context = PgPool;
    type Input = u32;
    type Output = u32;
    async fn run(cx: &Attempt<PgPool>, parts: u32) -> Result<Done<u32>, StepError> {
        let begun = cx.restore::<u32>().await?.unwrap_or(0);
        for part in begun..parts {
            let row = sqlx::query("INSERT INTO effects VALUES ($1, $2)");
            let row = row.bind(cx.subject).bind(format!("part {part}"));
            row.execute(&*cx.context).await.or_fail()?;
            cx.progress(
                f64::from(part + 1) / f64::from(parts),
                format!("part {part}"),
            );
            cx.checkpoint(&(part + 1)).await?;
            if part == parts / 2 && STOPS.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
        }
        Ok(Done::new(begun))
    }
}

/// The other process.
pub async fn half_way(url: &str) {
    STOPS.store(true, Ordering::SeqCst);
    let pool = PgPool::connect(url).await.unwrap();
    let route = Workflow::named("parts", 1)
        .step::<Parts>()
        .build()
        .with_context(pool.clone());
    let never = CancellationToken::new;
    let engine = Engine::new(&pool, config()).register(&route);
    engine.run(never(), never()).await.unwrap();
}

#[tokio::test]
async fn a_step_whose_process_died_goes_on_elsewhere_from_its_checkpoint() {
    let world = World::new().await;
    let route = Workflow::named("parts", 1)
        .step::<Parts>()
        .build()
        .with_context(world.pool.clone());
    let subject = world.start(&route, &6).await;
    let worker = Process::start("half way", world.url());
    let seen = world.until("the middle", async || {
        let run = latest_run(&world.pool, subject).await.unwrap()?;
        run.steps[0].progress.filter(|done| *done > 0.6)
    });
    assert!((seen.await - 4.0 / 6.0).abs() < 0.001);
    let Answer::Running { progress, .. } = world.answer(subject).await else {
        panic!("it is running")
    };
    assert_eq!(progress.unwrap().note, "part 3");
    drop(worker);

    let engine = world.engine(&route);
    world.reaches(subject, "succeeded").await;
    assert_eq!(
        world.result(subject).await,
        4,
        "the second process began there"
    );
    assert_eq!(world.effects(subject).await.len(), 6, "each part once");
    nothing_is_left(&world).await;
    engine.stop().await;
}

static FIRST: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(0));
static SECOND: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(0));
static REFUSED: AtomicBool = AtomicBool::new(false);
step!(Haunted "haunted": u32 => String, quick(3), |cx, _n| {
    if cx.restore::<String>().await?.is_none() {
        cx.checkpoint("first").await?;
        // Goes on even when the attempt is given up.
        let zombie = cx.clone();
        tokio::spawn(async move {
            FIRST.acquire().await.unwrap().forget();
            let late = zombie.checkpoint("zombie").await;
            REFUSED.store(late.is_err() && zombie.cancelled.is_cancelled(), Ordering::SeqCst);
            SECOND.add_permits(1);
        });
        std::future::pending::<()>().await;
    }
    cx.checkpoint("second").await?;
    FIRST.add_permits(1);
    SECOND.acquire().await.unwrap().forget();
    let stored: Option<String> = cx.restore().await?;
    Ok(leaving(cx, "haunted", stored.unwrap_or_default()))
});

#[tokio::test]
async fn a_zombie_cannot_overwrite_a_checkpoint() {
    let world = World::new().await;
    let route = Workflow::named("haunted", 1).step::<Haunted>().build();
    let haunted = world.engine_with(&route, slots(1));
    let subject = world.start(&route, &1).await;
    let stored = "SELECT state #>> '{}' FROM workflows.checkpoints";
    world
        .until("the first checkpoint", async || {
            let stored = sqlx::query_scalar::<_, String>(stored);
            stored.fetch_optional(&world.pool).await.unwrap()
        })
        .await;
    let other = world.engine(&route);
    // As a sweeper does when the lease has run out.
    let steal = "WITH stolen AS (DELETE FROM workflows.leases RETURNING task_id)
                 INSERT INTO workflows.ready SELECT lane, key, rank, task_id
                 FROM workflows.tasks JOIN stolen USING (task_id)";
    sqlx::query(steal).execute(&world.pool).await.unwrap();
    world.reaches(subject, "succeeded").await;
    assert_eq!(world.result(subject).await, "second");
    assert!(REFUSED.load(Ordering::SeqCst), "the zombie was told");
    let charged = "SELECT count(*) FROM workflows.attempts WHERE outcome <> 'done'";
    let charged: i64 = sqlx::query_scalar(charged)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(charged, 0);
    haunted.stop().await;
    other.stop().await;
}

static MENDED: AtomicBool = AtomicBool::new(false);
step!(Broken "broken": u32 => u32, StepSettings::default(), |cx, n| {
    let from: u32 = cx.restore().await?.unwrap_or(n);
    cx.checkpoint(&(from + 1)).await?;
    if !MENDED.load(Ordering::SeqCst) {
        return Err("broken").or_fail();
    }
    // What another step would have stored is not this one's, and what does not decode is none.
    let unreadable: Option<String> = cx.restore().await?;
    assert_eq!(unreadable, None);
    Ok(leaving(cx, "mended", from))
});
step!(After "after": u32 => u32, quick(1), |cx, n| {
    assert_eq!(cx.restore::<u32>().await?, None);
    let keys_must_be_text: std::collections::HashMap<Vec<u8>, u8> = [(vec![1], 1)].into();
    assert!(matches!(cx.checkpoint(&keys_must_be_text).await, Err(StepError::Fail { .. })));
    Ok(leaving(cx, "after", n))
});

#[tokio::test]
async fn a_checkpoint_stays_with_a_dead_letter_and_goes_when_the_task_goes_on() {
    let world = World::new().await;
    let route = Workflow::named("broken", 1)
        .step::<Broken>()
        .step::<After>()
        .build();
    let engine = world.engine(&route);
    let subject = world.start(&route, &7).await;
    world.reaches(subject, "dead").await;
    // Longer than what is left behind stays.
    tokio::time::sleep(Duration::from_secs(4)).await;
    MENDED.store(true, Ordering::SeqCst);
    let letter = world.letter().await;
    dead_letters::redrive(&world.pool, letter.letter_id, None, BY)
        .await
        .unwrap();
    world.reaches(subject, "succeeded").await;
    assert_eq!(world.result(subject).await, 8);
    nothing_is_left(&world).await;
    engine.stop().await;
}

static TALKED: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(0));
step!(Talk "talk": u32 => u32, quick(1), |cx, n| {
    let began = Instant::now();
    for part in 0..100_000_u32 {
        cx.progress(f64::from(part) / 200_000.0, format!("part {part}"));
        if part % 100 == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    assert!(began.elapsed() > Duration::from_secs(2));
    cx.progress(f64::NAN, "nothing");
    cx.progress(7.0, "more than all\0");
    TALKED.acquire().await.unwrap().forget();
    Ok(Done::new(n))
});

#[tokio::test]
async fn a_talkative_step_is_written_about_once_a_second() {
    let world = World::new().await;
    for sql in [
        "CREATE TABLE written (at timestamptz)",
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN INSERT INTO written VALUES (clock_timestamp()); RETURN NULL; END $$",
        "CREATE TRIGGER note AFTER INSERT OR UPDATE ON workflows.progress
         FOR EACH ROW EXECUTE FUNCTION note()",
    ] {
        sqlx::query(sql).execute(&world.pool).await.unwrap();
    }
    let route = Workflow::named("talk", 1).step::<Talk>().build();
    let began = Instant::now();
    let engine = world.engine(&route);
    let subject = world.start(&route, &1).await;
    world
        .until("the end of the talk", async || {
            let run = latest_run(&world.pool, subject).await.unwrap()?;
            run.steps[0].progress.filter(|done| *done > 0.99)
        })
        .await;
    let (most, least) = (began.elapsed().as_secs() + 2, 2);
    let written: i64 = sqlx::query_scalar("SELECT count(*) FROM written")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    let written = u64::try_from(written).unwrap();
    assert!(
        (least..=most).contains(&written),
        "{written} writes, not {least} to {most}"
    );
    TALKED.add_permits(1);
    world.reaches(subject, "succeeded").await;
    let run = latest_run(&world.pool, subject).await.unwrap().unwrap();
    assert_eq!(run.steps[0].progress, None, "it is done");
    nothing_is_left(&world).await;
    engine.stop().await;
}

async fn nothing_is_left(world: &World) {
    let left = "SELECT (SELECT count(*) FROM workflows.progress)
                     + (SELECT count(*) FROM workflows.checkpoints)";
    world
        .until("everything to be removed", async || {
            let left = sqlx::query_scalar::<_, i64>(left).fetch_one(&world.pool);
            (left.await.unwrap() == 0).then_some(())
        })
        .await;
}
