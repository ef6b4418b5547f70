//! A part of the engine that ends by itself takes the engine down with it: the process would go on
//! claiming, and lose what it claims.
//!
//! Parts are made to end as they would in production: by a panic in the program's own code, which
//! they call to log what happened to them. It is in a process of its own, because what logs is one for
//! a whole process.

use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use devkit::{TcpProxy, proxy::Which};
use futures::{FutureExt, StreamExt, stream};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tracing::{Event, Metadata, Subscriber, field::Field, span};
use workflows::{Done, Engine, EngineConfig, EngineError, FanOut, Joined, Workflow};

use crate::{
    declared::Declared,
    process::Process,
    world::{World, config, quick, step},
};

/// A part that can be made to end.
#[derive(Debug)]
struct Part {
    name: &'static str,
    /// Its sessions.
    session: &'static str,
    /// What it logs when it has lost its session.
    says: &'static str,
    /// What it had claimed can be given back without it.
    hands_back: bool,
}

const PARTS: [Part; 8] = [
    part("the dispatcher", "workflows claims", "claim failed", true),
    part(
        "the listener",
        "workflows listener",
        "listener lost, polling goes on",
        true,
    ),
    part("the sweeper", "workflows sweeper", "sweep failed", true),
    part(
        "the heartbeat",
        "workflows presence",
        "heartbeat failed",
        true,
    ),
    part(
        "the notifier",
        "workflows notifier",
        "announcement failed, others will look",
        true,
    ),
    part(
        "schedules and re-drives",
        "workflows scheduler",
        "schedule cannot start",
        true,
    ),
    part(
        "the group commit",
        "workflows committer",
        "commit failed, trying again",
        false,
    ),
    part(
        "the commits of one",
        "workflows committer",
        "a commit is tried again, at no charge",
        false,
    ),
];

const fn part(
    name: &'static str,
    session: &'static str,
    says: &'static str,
    hands_back: bool,
) -> Part {
    Part {
        name,
        session,
        says,
        hands_back,
    }
}

/// Panics when it is told to log `at`, once.
struct Panics {
    at: &'static str,
    spent: AtomicBool,
}

impl Subscriber for Panics {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("workflows")
    }

    fn event(&self, event: &Event<'_>) {
        let mut said = String::new();
        event.record(&mut |field: &Field, value: &dyn fmt::Debug| {
            if field.name() == "message" {
                said = format!("{value:?}");
            }
        });
        let panics = said == self.at && !self.spent.swap(true, Ordering::SeqCst);
        assert!(!panics, "cannot log {said:?}");
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

step!(Long "long": u32 => u32, quick(3), |cx, n| {
    if cx.attempt == 1 {
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    Ok(Done::new(n))
});
step!(Short "short": bool => bool, quick(3), |_cx, alone| {
    let done = Done::new(alone);
    Ok(if alone { Declared::Any.recording(done, |_| async { Ok(()) }.boxed()) } else { done })
});
step!(Spread "spread": u32 => FanOut<u32, ()>, quick(3), |_cx, n| {
    Ok(Done::new(FanOut { children: (0..n).collect(), carry: () }))
});
step!(Child "child": u32 => u32, quick(3), |_cx, n| Ok(Done::new(n)));
step!(Gather "gather": Joined<(), u32> => usize, quick(3), |_cx, joined| {
    Ok(Done::new(joined.children.len()))
});

fn long() -> Workflow<u32> {
    Workflow::named("long", 1).step::<Long>().build()
}

fn short() -> Workflow<bool> {
    Workflow::named("short", 1).step::<Short>().build()
}

fn wide() -> Workflow<u32> {
    Workflow::named("wide", 1)
        .step::<Spread>()
        .fan_out::<Child>()
        .join::<Gather>()
        .build()
}

fn engine(pool: &PgPool) -> Engine {
    let config = EngineConfig {
        queues: vec![("default".to_owned(), 6)],
        grace: Duration::from_millis(500),
        ..config()
    };
    Engine::new(pool, config)
        .register(&long())
        .register(&short())
        .register(&wide())
        .schedule("clock", Duration::from_secs(1), &short().starter(), false)
}

/// The process whose part ends. It ends well when the engine says which part it was.
pub async fn engine_whose_part_panics(url: &str, name: &str) {
    let part = PARTS.iter().find(|part| part.name == name).expect("a part");
    let logs = Panics {
        at: part.says,
        spent: AtomicBool::new(false),
    };
    tracing::subscriber::set_global_default(logs).unwrap();
    let pool = PgPool::connect(url).await.unwrap();
    let never = CancellationToken::new;
    let ended = engine(&pool).run(never(), never()).await;
    let named = match &ended {
        Err(EngineError::Ended { part, why }) => part == name && why.contains("cannot log"),
        _ => false,
    };
    assert!(named, "{ended:?}");
}

/// Work for every part.
async fn work(world: &World) {
    for alone in [true, false] {
        world.start(&short(), &alone).await;
    }
    world.start(&wide(), &20).await;
}

/// Takes the part's session. A listener complains only when it cannot have another at once.
async fn takes_its_session(part: &Part, proxy: &TcpProxy) {
    proxy.cut(Which::Named(part.session));
    if part.name == "the listener" {
        proxy.refuse(true);
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        proxy.refuse(false);
    }
}

async fn ends(part: &Part) {
    let world = World::new().await;
    for n in 0..2 {
        world.start(&long(), &n).await;
    }
    let proxy = TcpProxy::to_database(world.url()).await.unwrap();
    let way = proxy.url(world.url());
    let mut process = Process::start(&format!("quits {}", part.name), &way);
    let patience = Duration::from_secs(30);
    let begun = async || (world.count("leases").await >= 2).then_some(());
    world.within(patience, "two long steps to run", begun).await;
    // Parts connect when there is something to do, and lose what they need when they are at it.
    let ended = world.within(patience, "the process to end", async || {
        work(&world).await;
        takes_its_session(part, &proxy).await;
        process.end(Duration::from_millis(300)).await
    });
    let status = ended.await;
    assert!(status.success(), "{part:?}: {status}");
    if part.hands_back {
        let long = world.attempts_of("long").await;
        assert_eq!(
            long, ["interrupted"; 2],
            "{part:?}: what was in hand is given back"
        );
    }
    let next = World::run(engine(&world.pool));
    world.succeed("long", 2, patience).await;
    let unfinished = async || {
        let left = world.runs_in("wide", "running").await + world.runs_in("short", "running").await;
        (left == 0).then_some(())
    };
    world.within(patience, "the rest", unfinished).await;
    world.assert_nobody_charged().await;
    next.stop().await;
}

#[tokio::test]
async fn the_end_of_any_part_is_the_end_of_the_engine() {
    let failed = stream::iter(PARTS)
        .map(async |part| {
            let ended = AssertUnwindSafe(ends(&part)).catch_unwind().await;
            ended.is_err().then_some(part.name)
        })
        .buffer_unordered(3);
    let failed: Vec<Option<_>> = failed.collect().await;
    let failed: Vec<_> = failed.into_iter().flatten().collect();
    assert!(failed.is_empty(), "these did not: {failed:?}");
}
