//! What is done to the runs of the scenario. Each action is one that may be repeated by somebody who
//! did not hear the answer.

use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;
use workflows::admin::{
    AdminError, Paging,
    dead_letters::{self, DeadLetter, LetterFilter},
    depths,
    limits::{self, Limit},
    queues,
    redrive::{self, Pace},
    runs::{self, RunEntry, RunFilter},
};

use super::routes::{routes, started};
use crate::world::BY;

pub async fn operate(pool: &PgPool) {
    until_known(pool).await;
    start(pool).await;
    for dying in ["redriven", "bulk", "discarded"] {
        until(pool, dying, &["dead", "succeeded", "cancelled"]).await;
    }
    let mended = "INSERT INTO effects VALUES ($1, 'mended') ON CONFLICT DO NOTHING";
    sqlx::query(mended)
        .bind(Uuid::nil())
        .execute(pool)
        .await
        .unwrap();
    if let Some(letter) = letter(pool, "redriven").await {
        tolerate(&dead_letters::redrive(pool, letter.letter_id, None, BY).await);
    }
    if let Some(letter) = letter(pool, "discarded").await {
        tolerate(&dead_letters::discard(pool, letter.letter_id, BY).await);
    }
    let filter = LetterFilter {
        workflow: Some("bulk".into()),
        ..LetterFilter::default()
    };
    let pace = Pace {
        per_second: 100.0,
        cap: 10,
    };
    redrive::request(pool, &filter, None, pace, BY)
        .await
        .unwrap();
    let refused = until(pool, "cancelled", &["running", "cancelled"]).await;
    tolerate(&runs::cancel(pool, refused.run_id, BY).await);
    let gated = until(pool, "gated", &["running", "succeeded"]).await;
    tolerate(&runs::pause(pool, gated.run_id, BY).await);
    tolerate(&runs::resume(pool, gated.run_id, BY).await);
    tolerate(&queues::resume(pool, "gated", BY).await);
    let judged = until(pool, "judged", &["rejected"]).await;
    tolerate(&runs::restart(pool, judged.run_id, None, BY).await);
    depths(pool, Duration::ZERO).await.unwrap();
    let three = Limit {
        concurrency: Some(3),
        ..Limit::default()
    };
    tolerate(&limits::set(pool, "default", three, BY).await);
    tolerate(&limits::remove(pool, "default", BY).await);
    for (route, end) in routes(pool) {
        if route.name() != "held" {
            until(pool, route.name(), &[end]).await;
        }
    }
}

/// An engine has entered what it knows. Whoever starts the first run of all enters it for the engines,
/// and they wait for his transaction.
async fn until_known(pool: &PgPool) {
    let known = "SELECT EXISTS (SELECT FROM workflows.lanes WHERE workflow = 'started')";
    for _ in 0..2_000 {
        if sqlx::query_scalar(known).fetch_one(pool).await.unwrap() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    panic!("no engine knows the workflow");
}

/// Starts a run unless it is there. Who stood still on the way finds out at the end that somebody else
/// has done so.
async fn start(pool: &PgPool) {
    // The transaction is the caller's, and so are its limits.
    let begin = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '1s'";
    let mut tx = pool.begin_with(begin).await.unwrap();
    let there = "SELECT EXISTS (SELECT FROM effects WHERE what = 'asked')";
    let there = sqlx::query_scalar(there).fetch_one(&mut *tx).await;
    if there.unwrap() {
        return;
    }
    let starter = started().starter();
    let run = starter.start(&mut tx, Uuid::now_v7(), "owner", &1).await;
    run.unwrap();
    let asked = "INSERT INTO effects VALUES ($1, 'asked') ON CONFLICT DO NOTHING";
    let asked = sqlx::query(asked).bind(Uuid::nil()).execute(&mut *tx).await;
    if asked.unwrap().rows_affected() == 1 {
        tx.commit().await.unwrap();
    }
}

fn tolerate(result: &Result<(), AdminError>) {
    assert!(
        matches!(result, Ok(()) | Err(AdminError::Conflict(_))),
        "{result:?}"
    );
}

async fn letter(pool: &PgPool, workflow: &str) -> Option<DeadLetter> {
    let filter = LetterFilter {
        workflow: Some(workflow.into()),
        ..LetterFilter::default()
    };
    let page = dead_letters::list(pool, &filter, false, Paging::default())
        .await
        .unwrap();
    page.items.into_iter().next()
}

async fn run(pool: &PgPool, workflow: &str) -> Option<RunEntry> {
    let filter = RunFilter {
        workflow: Some(workflow.into()),
        ..RunFilter::default()
    };
    let page = runs::list(pool, &filter, Paging::default()).await.ok()?;
    page.items.into_iter().next()
}

pub async fn until(pool: &PgPool, workflow: &str, states: &[&str]) -> RunEntry {
    for _ in 0..2_000 {
        if let Some(run) = run(pool, workflow).await
            && states.contains(&run.state.as_str())
        {
            return run;
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    panic!("{workflow} did not get to {states:?}");
}

pub async fn until_pruned(pool: &PgPool) {
    for _ in 0..2_000 {
        if run(pool, "old").await.is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    panic!("the old run is still there");
}
