//! Following the stream of what happened: nothing is missed, nothing is there twice.

use std::{collections::HashSet, pin::pin, time::Duration};

use futures::StreamExt;
use rand::Rng;
use sqlx::PgPool;
use uuid::Uuid;
use workflows::{
    EngineConfig, Starter, Workflow,
    events::{self, Detail, Event, EventsError, Kind, Position},
};

use crate::world::{World, config, leaving, quick, step};

step!(Choose "choose": String => u32, quick(1), |cx, _what| Ok(leaving(cx, "chosen", 2)));

const WRITERS: u32 = 4;
const TRANSACTIONS: u32 = 60;

/// Starts runs in transactions of which each ends when it likes, and some in vain. Returns the
/// subjects of those that are there.
async fn write(pool: PgPool, starter: Starter<String>) -> Vec<Uuid> {
    let mut written = Vec::new();
    for _ in 0..TRANSACTIONS {
        let (starts, vain) = {
            let mut random = rand::rng();
            (random.random_range(1..=3), random.random_bool(0.2))
        };
        let mut tx = pool.begin().await.unwrap();
        let mut subjects = Vec::new();
        for _ in 0..starts {
            let subject = Uuid::now_v7();
            let input = "go".to_owned();
            starter
                .start(&mut tx, subject, "owner", &input)
                .await
                .unwrap();
            subjects.push(subject);
            let delay = rand::rng().random_range(0..25);
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        if vain {
            tx.rollback().await.unwrap();
        } else {
            tx.commit().await.unwrap();
            written.extend(subjects);
        }
    }
    written
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_misses_nothing_and_sees_nothing_twice() {
    let world = World::new().await;
    let route = Workflow::named("told", 1)
        .step::<Choose>()
        .events(Detail::Runs)
        .build();
    let first = world.start(&route, &"go".to_owned()).await;
    let from = events::end(&world.pool).await.unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| tokio::spawn(write(world.pool.clone(), route.starter())))
        .collect();
    let pool = world.pool.clone();
    let (mut seen, mut after) = (Vec::<Event>::new(), Some(from));
    // It may have happened a moment too late.
    let of_interest = move |event: &&Event| event.subject != first;
    let (over, mut is_over) = tokio::sync::watch::channel(None::<usize>);
    let follower = tokio::spawn(async move {
        loop {
            // It starts anew now and then, from what it kept.
            let mut stream = pin!(events::follow(&pool, after).take(37));
            loop {
                tokio::select! {
                    next = stream.next() => match next {
                        Some(event) => seen.push(event.unwrap()),
                        None => break,
                    },
                    _ = is_over.changed() => {}
                }
                let all = *is_over.borrow();
                if all.is_some_and(|all| seen.iter().filter(of_interest).count() >= all) {
                    return seen;
                }
            }
            after = seen.last().map(|event| event.position);
        }
    });
    let mut written = HashSet::new();
    for writer in writers {
        written.extend(writer.await.unwrap());
    }
    over.send(Some(written.len())).unwrap();
    let seen = tokio::time::timeout(Duration::from_secs(30), follower).await;
    let seen = seen.expect("everything is seen in time").unwrap();
    assert!(
        seen.windows(2).all(|w| w[0].position < w[1].position),
        "in order"
    );
    let seen: Vec<&Event> = seen.iter().filter(of_interest).collect();
    let subjects: HashSet<Uuid> = seen.iter().map(|event| event.subject).collect();
    assert_eq!((seen.len(), subjects.len()), (written.len(), written.len()));
    assert!(subjects == written, "nothing is missed");
    let late = events::read(&world.pool, seen.last().map(|e| e.position), 10)
        .await
        .unwrap();
    assert_eq!(late.events, []);
}

#[tokio::test]
async fn what_is_written_earlier_and_committed_later_is_waited_for() {
    let world = World::new().await;
    let route = Workflow::named("told", 1)
        .step::<Choose>()
        .events(Detail::Runs)
        .build();
    let starter = route.starter();
    // A step gets its number with the first start, for which others would wait.
    world.start(&route, &"go".to_owned()).await;
    let from = world
        .until("its event", async || {
            let page = events::read(&world.pool, None, 10).await.unwrap();
            page.next.map(Some)
        })
        .await;
    let (slow, quick) = (Uuid::now_v7(), Uuid::now_v7());
    let mut tx = world.pool.begin().await.unwrap();
    starter
        .start(&mut tx, slow, "owner", &"go".to_owned())
        .await
        .unwrap();
    let mut other = world.pool.begin().await.unwrap();
    starter
        .start(&mut other, quick, "owner", &"go".to_owned())
        .await
        .unwrap();
    other.commit().await.unwrap();
    let page = events::read(&world.pool, from, 10).await.unwrap();
    assert_eq!(
        (page.events, page.next),
        (vec![], from),
        "nobody is to read past the slow one"
    );
    tx.commit().await.unwrap();
    let seen = world
        .until("both", async || {
            let page = events::read(&world.pool, from, 10).await.unwrap();
            (page.events.len() == 2).then_some(page.events)
        })
        .await;
    assert_eq!([seen[0].subject, seen[1].subject], [slow, quick]);
}

#[tokio::test]
async fn whoever_comes_too_late_is_told() {
    let world = World::new().await;
    let route = Workflow::named("told", 1)
        .step::<Choose>()
        .events(Detail::Steps)
        .build();
    let first = world.start(&route, &"go".to_owned()).await;
    let due = "INSERT INTO workflows.schedules (name, next_at)
               VALUES ('workflows.upkeep', now() + interval '2 seconds')";
    sqlx::query(due).execute(&world.pool).await.unwrap();
    let forgetful = EngineConfig {
        retention: None,
        keep_events: Some(Duration::ZERO),
        ..config()
    };
    let engine = world.engine_with(&route, forgetful);
    world.reaches(first, "succeeded").await;
    let early = world
        .until("the events", async || {
            let page = events::read(&world.pool, None, 10).await.unwrap();
            (page.events.len() == 3).then_some(page.events)
        })
        .await;
    world
        .until("the upkeep", async || {
            let page = events::read(&world.pool, None, 10).await.unwrap();
            page.events.is_empty().then_some(())
        })
        .await;
    let after = |event: &Event| Some(event.position);
    let missed = events::read(&world.pool, after(&early[0]), 10).await;
    assert!(matches!(missed, Err(EventsError::Missed(from)) if from == early[0].position));
    let nothing_missed = events::read(&world.pool, after(&early[2]), 10)
        .await
        .unwrap();
    assert_eq!(nothing_missed.next, after(&early[2]));
    let second = world.start(&route, &"go".to_owned()).await;
    let mut stream = pin!(events::follow(&world.pool, after(&early[1])));
    assert!(matches!(
        stream.next().await,
        Some(Err(EventsError::Missed(_)))
    ));
    let next = stream.next().await.unwrap().unwrap();
    assert_eq!(
        (next.subject, next.kind),
        (second, Kind::Started),
        "it goes on"
    );

    let far: Position = "99999999999-1".parse().unwrap();
    let mut stream = pin!(events::follow(&world.pool, Some(far)));
    assert!(matches!(
        stream.next().await,
        Some(Err(EventsError::Elsewhere(_)))
    ));
    assert!(stream.next().await.is_none());
    engine.stop().await;
}
