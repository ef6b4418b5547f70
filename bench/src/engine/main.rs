//! The durable engine beside its peers and the limit of the database: `bench/engine`.
//!
//! Starts a Postgres of its own, measures one subject after the other, prints a table and appends
//! JSON lines to `bench/results/engine.jsonl`. What is compared is run in turn, round by round,
//! each time in a fresh database of the same cluster, so that a noisy machine disturbs all alike.
//!
//! A new subject is a module with a `measure` function and a variant of [`Subject`].

mod claim;
mod cluster;
mod counter;
mod database;
mod fan_outs;
mod frozen;
mod idle;
mod jobs;
mod lonely;
mod options;
mod ours;
mod peers;
mod pickup;
mod pinned;
mod report;
mod rescue;
mod roles;
mod routes;
mod shared;
mod starts;
mod steps;
mod worker;

use anyhow::{Result, bail};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use cluster::Cluster;
use options::{Cli, Command, Options, Subject};
use report::Report;

/// What every subject is given.
pub struct Bench {
    pub cluster: Cluster,
    pub options: Options,
    pub report: Report,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    if let Some(Command::Worker { url, role }) = cli.command {
        return worker::run(&url, role).await;
    }
    // Ends by returning in any case, so that the cluster is stopped and removed.
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = measure(cli.options) => result,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminate.recv() => bail!("terminated"),
    }
}

async fn measure(options: Options) -> Result<()> {
    let cluster = Cluster::start().await?;
    println!("{}", cluster.version().await?);
    println!("{options}");
    let subjects = options.subjects();
    let report = Report::new();
    let mut bench = Bench {
        cluster,
        options,
        report,
    };
    for subject in subjects {
        println!("\n{subject}");
        match subject {
            Subject::Steps => steps::measure(&mut bench).await?,
            Subject::Jobs => jobs::measure(&mut bench).await?,
            Subject::Fanout => fan_outs::measure(&mut bench).await?,
            Subject::Pickup => pickup::measure(&mut bench).await?,
            Subject::Claim => Box::pin(claim::measure(&mut bench)).await?,
            Subject::Rescue => rescue::measure(&mut bench).await?,
            Subject::Frozen => frozen::measure(&mut bench).await?,
            Subject::Idle => idle::measure(&mut bench).await?,
            Subject::Pinned => pinned::measure(&mut bench).await?,
            Subject::Starts => starts::measure(&mut bench).await?,
            Subject::Shared => shared::measure(&mut bench).await?,
        }
    }
    bench.report.finish()
}
