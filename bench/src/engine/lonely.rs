//! What a single run of one step costs an idle engine: its commits, those of mere questions among
//! them, without that of the transaction that starts it.
//!
//! A server counts a session's commits exactly only when the session has ended. So an engine lives
//! twice for the same time, once with runs and once without, and what it does for itself cancels
//! out.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use uuid::Uuid;

use workflows::Hints;

use crate::{
    Bench,
    counter::Counter,
    ours::{self, Fleet},
    report::Report,
    routes,
};

/// Runs, started one by one.
const RUNS: u32 = 40;
/// Time for each of them.
const PACE: Duration = Duration::from_millis(250);
/// How long an engine is left alone before it counts as idle.
const SETTLING: Duration = Duration::from_secs(3);

pub struct Lonely {
    with_runs: i64,
    without: i64,
}

pub async fn commits(bench: &Bench) -> Result<Lonely> {
    let without = life(bench, false).await?;
    let with_runs = life(bench, true).await?;
    Ok(Lonely { with_runs, without })
}

impl Lonely {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub fn report(&self, report: &mut Report) {
        let more = (self.with_runs - self.without) as f64;
        let per_run = more / f64::from(RUNS) - 1.0;
        println!("a lonely step: {per_run:.2} commits besides the start's");
        let details = json!({
            "runs": RUNS, "commits_with_runs": self.with_runs, "commits_without": self.without,
        });
        report.add("lonely_commits", per_run, "commits", details);
    }
}

/// All commits in the database while an engine lives.
async fn life(bench: &Bench, with_runs: bool) -> Result<i64> {
    let database = bench.cluster.fresh().await?;
    ours::prepare(&database).await?;
    let counter = Counter::default();
    let workflow = routes::single(&counter);
    let pool = database.pool(1).await?;
    let starter = workflow.starter().hinting(&Hints::new(&pool));
    // The first start ever also numbers its lane.
    ours::start(&mut database.connect().await?, &workflow, 1, 1).await?;
    let before = database.usage(&mut bench.cluster.admin().await?).await?;
    let fleet = Fleet::single(&database, &workflow).await?;
    tokio::time::sleep(SETTLING).await;
    for run in 0..RUNS {
        if with_runs {
            let mut tx = pool.begin().await?;
            let run = u64::from(run);
            starter
                .start(&mut tx, Uuid::now_v7(), "owner", &run)
                .await?;
            tx.commit().await?;
        }
        tokio::time::sleep(PACE).await;
    }
    fleet.stop().await?;
    pool.close().await;
    let after = database.usage(&mut bench.cluster.admin().await?).await?;
    bench.cluster.remove(database).await?;
    Ok(after.commits - before.commits)
}
