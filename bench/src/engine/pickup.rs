//! How soon an idle worker begins: from the return of the starting transaction's commit to the
//! entry of the step, by one clock.

use std::{
    ops::AsyncFn,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use uuid::Uuid;
use workflows::{Attempt, Done, Hints, Step, StepError, Workflow};

use crate::{
    Bench, lonely,
    ours::{self, Fleet},
    peers::underway,
    report::Samples,
};

/// How long a worker is left alone before it counts as idle.
const SETTLING: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_mins(1);

/// Sends the moment it was entered.
struct Announce;

impl Step for Announce {
    const NAME: &'static str = "announce";
    type Context = UnboundedSender<Instant>;
    type Input = u64;
    type Output = ();

    async fn run(cx: &Attempt<Self::Context>, _: u64) -> Result<Done<()>, StepError> {
        let _ = cx.context.send(Instant::now());
        Ok(Done::new(()))
    }
}

pub async fn measure(bench: &mut Bench) -> Result<()> {
    let ours = ours(bench).await?;
    let underway = underway(bench).await?;
    let lonely = lonely::commits(bench).await?;
    for samples in [&ours, &underway] {
        let (median, late) = (samples.median(), samples.percentile(99));
        println!("{:12} p50 {median:.2} ms, p99 {late:.2} ms", samples.name);
    }
    let details = json!({
        "samples": bench.options.pickups,
        "underway_p50_ms": underway.median(), "underway_p99_ms": underway.percentile(99),
    });
    let report = &mut bench.report;
    report.add("pickup_p50_ms", ours.median(), "ms", details.clone());
    report.add("pickup_p99_ms", ours.percentile(99), "ms", details);
    lonely.report(report);
    Ok(())
}

async fn ours(bench: &Bench) -> Result<Samples> {
    let database = bench.cluster.fresh().await?;
    ours::prepare(&database).await?;
    let (sender, entered) = unbounded_channel();
    let workflow = Workflow::named("pickup", 1).step::<Announce>().build().with_context(sender);
    let fleet = Fleet::single(&database, &workflow).await?;
    let pool = database.pool(1).await?;
    let starter = workflow.starter().hinting(&Hints::new(&pool));
    let start = async || {
        let mut transaction = pool.begin().await?;
        starter
            .start(&mut transaction, Uuid::now_v7(), "owner", &0)
            .await?;
        Ok(transaction.commit().await?)
    };
    let samples = sample("ours", bench.options.pickups, entered, start).await?;
    fleet.stop().await?;
    bench.cluster.remove(database).await?;
    Ok(samples)
}

async fn underway(bench: &Bench) -> Result<Samples> {
    let database = bench.cluster.fresh().await?;
    let (sender, entered) = unbounded_channel();
    let idle = underway::Idle::launch(&database, sender).await?;
    let start = async || idle.start().await;
    let samples = sample("underway", bench.options.pickups, entered, start).await?;
    bench.cluster.remove(database).await?;
    Ok(samples)
}

/// Starts one at a time, at intervals that no timer of a worker can fall into step with.
async fn sample(
    name: &'static str,
    count: usize,
    mut entered: UnboundedReceiver<Instant>,
    start: impl AsyncFn() -> Result<()>,
) -> Result<Samples> {
    tokio::time::sleep(SETTLING).await;
    let mut samples = Samples::of(name);
    for _ in 0..count {
        let pause = rand::random_range(50..=150);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        start().await?;
        let committed = Instant::now();
        let entered = tokio::time::timeout(PATIENCE, entered.recv()).await;
        let entered = entered
            .context("the step was not entered")?
            .context("the worker ended")?;
        // The worker may be there before the commit's return is noticed here.
        let waited = entered.saturating_duration_since(committed);
        samples.push(waited.as_secs_f64() * 1000.0);
    }
    Ok(samples)
}
