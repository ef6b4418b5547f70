//! Re-driving many letters at a rate.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use chrono::Utc;
use uuid::Uuid;
use workflows::{
    Done, Fingerprint, NextOnError, RedriveId, Workflow,
    admin::{
        AdminError, Paging, audit,
        dead_letters::{self, LetterFilter, show},
        redrive::{self, Pace, Redrive},
    },
};

use crate::{
    planted::{Planted, run_of},
    world::{BY, World, leaving, quick, step},
};

step!(Hope "hope": u32 => u32, quick(1), |cx, n| {
    if cx.attempt == 1 && !HOPE.load(Ordering::SeqCst) {
        return Err("no hope yet").or_fail();
    }
    Ok(leaving(cx, "hope", n))
});
static HOPE: AtomicBool = AtomicBool::new(false);

/// Lists letters five at a time and counts the different ones.
async fn listed_in_parts(world: &World, filter: &LetterFilter) -> usize {
    let mut seen = std::collections::HashSet::new();
    let mut after = None;
    loop {
        let paging = Paging { after, limit: 5 };
        let page = dead_letters::list(&world.pool, filter, false, paging).await;
        let page = page.unwrap();
        seen.extend(page.items.iter().map(|l| l.letter_id));
        after = page.next;
        if after.is_none() {
            return seen.len();
        }
    }
}

#[tokio::test]
async fn many_letters_are_re_driven_at_a_rate_up_to_a_cap_across_a_restart() {
    let world = World::new().await;
    let route = Workflow::named("hope", 1).step::<Hope>().build();
    let engine = world.engine(&route);
    let mut subjects = Vec::new();
    for n in 0..20 {
        let owner = if n < 12 { "ours" } else { "theirs" };
        subjects.push(world.start_for(owner, &route.starter(), &n).await);
    }
    for subject in subjects {
        world.reaches(subject, "dead").await;
    }
    let ours = LetterFilter {
        fairness_key: Some("ours".into()),
        step: Some("hope".into()),
        fingerprint: Some(Fingerprint("hope: no hope yet".to_owned())),
        died_before: Some(Utc::now()),
        ..LetterFilter::default()
    };
    let dry_run = redrive::count(&world.pool, &ours).await.unwrap();
    assert_eq!((dry_run, world.count("tasks").await), (12, 0));

    assert_eq!(listed_in_parts(&world, &ours).await, 12);

    HOPE.store(true, Ordering::SeqCst);
    let began = Instant::now();
    let pace = Pace {
        per_second: 8.0,
        cap: 10,
    };
    let job = redrive::request(&world.pool, &ours, None, pace, BY)
        .await
        .unwrap();
    assert_eq!(job.matched, 12);
    engine.stop().await;
    let engine = world.engine(&route);
    let done = world
        .until("the re-drive to end", async || {
            let job = redrive::get(&world.pool, job.redrive_id).await.ok()?;
            job.ended_at.is_some().then_some(job)
        })
        .await;
    assert_eq!(done.redriven, 10);
    assert!(
        began.elapsed() > Duration::from_secs(1),
        "ten at eight a second take longer"
    );
    world
        .until("ten runs to end", async || {
            let sql = "SELECT count(*) FROM workflows.runs WHERE state = 'succeeded'";
            let ended: i64 = sqlx::query_scalar(sql).fetch_one(&world.pool).await.ok()?;
            (ended == 10).then_some(())
        })
        .await;
    assert_eq!(
        redrive::count(&world.pool, &ours).await.unwrap(),
        2,
        "beyond the cap"
    );
    engine.stop().await;
}

step!(Well "well": i64 => i64, quick(1), |_cx, n| Ok(Done::new(n)));

/// Waits for the end of a re-drive.
async fn end_of(world: &World, redrive_id: RedriveId) -> Redrive {
    world
        .until("the re-drive to end", async || {
            let job = redrive::get(&world.pool, redrive_id).await.ok()?;
            job.ended_at.is_some().then_some(job)
        })
        .await
}

fn pace(per_second: f64) -> Pace {
    let cap = 10_000;
    Pace { per_second, cap }
}

#[tokio::test]
async fn the_rate_that_is_asked_for_is_kept_to_its_fractions() {
    let world = World::new().await;
    let route = Workflow::named("planted", 1).step::<Well>().build();
    let engine = world.engine(&route);
    let mut jobs = Vec::new();
    // All at the same time: slow ones do not wait behind fast ones.
    for (owner, per_second, letters) in
        [("slow", 1.9, 6), ("middling", 5.0, 15), ("fast", 20.0, 60)]
    {
        let planted = Planted {
            owner,
            ..Planted::of("planted", "well")
        };
        planted.plant(&world, letters).await;
        let filter = LetterFilter {
            fairness_key: Some(owner.into()),
            ..LetterFilter::default()
        };
        let job = redrive::request(&world.pool, &filter, None, pace(per_second), BY).await;
        jobs.push((job.unwrap(), f64::from(letters) / per_second));
    }
    for (job, expected) in jobs {
        let done = end_of(&world, job.redrive_id).await;
        let took = done.ended_at.unwrap() - done.created_at;
        let took = took.as_seconds_f64();
        assert!(
            (expected - 0.1..expected + 1.5).contains(&took),
            "{} a second: {took} s instead of {expected} s",
            job.per_second
        );
        assert_eq!(i64::from(done.redriven), done.matched);
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_locked_run_holds_up_no_other_and_is_seen_to_later() {
    let world = World::new().await;
    let route = Workflow::named("planted", 1).step::<Well>().build();
    let letters = Planted::of("planted", "well").plant(&world, 700).await;
    let mut other = world.pool.begin().await.unwrap();
    for locked in [letters[0], letters[42]] {
        let locked = run_of(&world, locked).await;
        sqlx::query("SELECT FROM workflows.runs WHERE run_id = $1 FOR UPDATE")
            .bind(locked)
            .execute(&mut *other)
            .await
            .unwrap();
    }
    // Two processes at it at once.
    let (one, two) = (world.engine(&route), world.engine(&route));
    let any = LetterFilter::default();
    let job = redrive::request(&world.pool, &any, None, pace(10_000.0), BY).await;
    let job = job.unwrap().redrive_id;
    world
        .until("all others", async || {
            let job = redrive::get(&world.pool, job).await.ok()?;
            (job.redriven == 698).then_some(())
        })
        .await;
    let going_on = redrive::list(&world.pool, true).await.unwrap();
    assert_eq!(going_on.len(), 1);
    other.rollback().await.unwrap();
    let done = end_of(&world, job).await;
    assert_eq!((done.redriven, done.matched, done.skipped), (700, 700, 0));
    world
        .until("all runs to end", async || {
            let sql = "SELECT count(*) FROM workflows.runs WHERE state = 'succeeded'";
            let ended: i64 = sqlx::query_scalar(sql).fetch_one(&world.pool).await.ok()?;
            (ended == 700).then_some(())
        })
        .await;
    let once = "SELECT count(*) FROM workflows.attempts";
    let attempts: i64 = sqlx::query_scalar(once)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(attempts, 700);
    // One record of the request, one of the end; and the next attempt's token is greater.
    let entries = audit::list(&world.pool, None, None, 10).await.unwrap();
    let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["redrive.end", "redrive.request"]);
    assert_eq!(entries[0].details["redriven"], 700);
    world.assert_idle().await;
    one.stop().await;
    two.stop().await;
}

step!(Given "given": u32 => u32, quick(1), |cx, n| Ok(leaving(cx, format!("given {}", cx.token), n)));
step!(Later "later": u32 => u32, quick(1), |_cx, n| {
    if !LATER.load(Ordering::SeqCst) {
        return Err("not yet").or_fail();
    }
    Ok(Done::new(n * 2))
});
static LATER: AtomicBool = AtomicBool::new(false);

#[tokio::test]
async fn many_runs_start_again_from_an_earlier_step_if_they_have_been_through_it() {
    let world = World::new().await;
    let route = Workflow::named("stages", 1)
        .step::<Given>()
        .step::<Later>()
        .build();
    let engine = world.engine(&route);
    let mut subjects = Vec::new();
    for n in 0..3 {
        let subject = world.start(&route, &n).await;
        world.reaches(subject, "dead").await;
        subjects.push(subject);
    }
    // Of these nothing is known but their letters.
    let lost = Planted::of("stages", "later").plant(&world, 2).await;
    LATER.store(true, Ordering::SeqCst);
    let any = LetterFilter::default();
    let job = redrive::request(&world.pool, &any, Some("given"), pace(100.0), BY).await;
    let done = end_of(&world, job.unwrap().redrive_id).await;
    assert_eq!((done.matched, done.redriven, done.skipped), (5, 3, 2));
    assert_eq!(done.from_step.as_deref(), Some("given"));
    for subject in subjects {
        world.reaches(subject, "succeeded").await;
        assert_eq!(world.effects(subject).await.len(), 2, "given twice");
    }
    for letter in lost {
        let letter = show(&world.pool, letter.into()).await.unwrap().letter;
        assert_eq!(letter.resolution, None);
    }
    world.assert_idle().await;
    engine.stop().await;
}

#[tokio::test]
async fn re_drives_are_listed_shown_stopped_and_found_again() {
    let world = World::new().await;
    Planted::of("planted", "well").plant(&world, 3).await;
    let any = LetterFilter::default();
    let job = redrive::request(&world.pool, &any, None, pace(0.01), BY).await;
    let job = job.unwrap();
    let nothing = LetterFilter {
        fairness_key: Some("nobody".into()),
        ..LetterFilter::default()
    };
    let empty = redrive::request(&world.pool, &nothing, None, pace(0.01), BY).await;
    assert!(empty.unwrap().ended_at.is_some(), "there is nothing to do");
    let ids =
        |jobs: Vec<Redrive>| -> Vec<RedriveId> { jobs.iter().map(|job| job.redrive_id).collect() };
    let going_on = redrive::list(&world.pool, true).await.unwrap();
    assert_eq!(ids(going_on), [job.redrive_id]);
    let stopped = redrive::stop(&world.pool, job.redrive_id, BY)
        .await
        .unwrap();
    assert!(stopped.ended_at.is_some());
    let twice = redrive::stop(&world.pool, job.redrive_id, BY).await;
    assert!(matches!(twice, Err(AdminError::Conflict(_))), "{twice:?}");
    let nobody = redrive::stop(&world.pool, Uuid::nil().into(), BY).await;
    assert!(
        matches!(nobody, Err(AdminError::NotFound { .. })),
        "{nobody:?}"
    );
    assert!(redrive::list(&world.pool, true).await.unwrap().is_empty());
    assert_eq!(redrive::list(&world.pool, false).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_task_goes_on_with_its_token_and_under_suspicion_if_it_died_of_crashes() {
    let world = World::new().await;
    let letters = Planted::of("planted", "well").plant(&world, 2).await;
    let crashed = "UPDATE workflows.dead_letters SET cause = 'crashes' WHERE letter_id = $1";
    let crashed = sqlx::query(crashed).bind(letters[1]);
    crashed.execute(&world.pool).await.unwrap();
    for letter in &letters {
        dead_letters::redrive(&world.pool, (*letter).into(), None, BY)
            .await
            .unwrap();
    }
    let tasks = "SELECT t.token, t.suspicion FROM workflows.tasks t ORDER BY token";
    let tasks: Vec<(i64, i16)> = sqlx::query_as(tasks).fetch_all(&world.pool).await.unwrap();
    let token = 4_000_000_000_000_000_000;
    assert_eq!(tasks, [(token + 1, 0), (token + 2, 1)]);
    assert_eq!(
        (world.count("ready").await, world.count("suspects").await),
        (1, 1)
    );
}
