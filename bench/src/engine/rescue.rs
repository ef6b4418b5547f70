//! How soon the task of a killed worker process is entered by another, idle one.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use uuid::Uuid;

use crate::{Bench, ours, report::Samples, roles::Role, worker::Worker};

pub async fn measure(bench: &mut Bench) -> Result<()> {
    let database = bench.cluster.fresh().await?;
    ours::prepare(&database).await?;
    let starter = Role::Hanging.workflow().starter();
    let pool = database.pool(1).await?;
    let mut samples = Samples::of("kill to entry");
    for _ in 0..bench.options.rescues {
        let mut holder = Worker::spawn(&database, Role::Hanging)?;
        let mut transaction = pool.begin().await?;
        starter
            .start(&mut transaction, Uuid::now_v7(), "owner", &0)
            .await?;
        transaction.commit().await?;
        holder.entered().await?;

        let mut standby = Worker::spawn(&database, Role::Hanging)?;
        // Any moment between two of its looks around.
        let settling = rand::random_range(2000..=4000);
        tokio::time::sleep(Duration::from_millis(settling)).await;
        let killed = Instant::now();
        holder.kill().await?;
        standby.entered().await?;
        samples.push(killed.elapsed().as_secs_f64());
        standby.stop().await?;
    }
    bench.cluster.remove(database).await?;
    samples.print("s");
    let details = json!({
        "samples": bench.options.rescues,
        "p50_s": samples.median(), "max_s": samples.percentile(100),
    });
    let late = samples.percentile(95);
    bench.report.add("rescue_p95_s", late, "s", details);
    Ok(())
}
