//! `mediamill queues limit`: how much of a queue runs at once, in all workers together.

use std::process::ExitCode;

use api::v1::admin::view::QueueLimitList;
use sqlx::PgPool;
use workflows::admin::limits::{self, Limit};

use super::super::admin::{self, Because, Output};
use crate::table;

#[derive(clap::Args)]
pub struct Args {
    /// Name of the queue
    queue: String,
    /// Tasks that run at once
    #[arg(long)]
    concurrency: Option<u32>,
    /// Tasks of one owner that run at once
    #[arg(long)]
    per_key: Option<u32>,
    /// Steps that begin in a second, on average
    #[arg(long)]
    per_second: Option<f64>,
    #[command(flatten)]
    because: Because,
}

pub async fn list(pool: &PgPool, output: &Output) -> anyhow::Result<ExitCode> {
    let limits = limits::list(pool).await?;
    if output.json {
        return admin::json(&QueueLimitList::from(limits));
    }
    let or_none = |limit: Option<u32>| limit.map_or_else(|| "-".to_owned(), |n| n.to_string());
    table::print(
        [
            "QUEUE",
            "RUNNING",
            "CONCURRENCY",
            "PER KEY",
            "PER SECOND",
            "SET BY",
            "REASON",
        ],
        limits.iter().map(|entry| {
            let rate = entry.limit.per_second;
            [
                entry.queue.clone(),
                entry.running.to_string(),
                or_none(entry.limit.concurrency),
                or_none(entry.limit.per_key),
                rate.map_or_else(|| "-".to_owned(), |rate| rate.to_string()),
                entry.set_by.clone(),
                entry.reason.clone(),
            ]
        }),
    )?;
    Ok(ExitCode::SUCCESS)
}

pub async fn set(pool: &PgPool, args: Args) -> anyhow::Result<ExitCode> {
    let limit = Limit {
        concurrency: args.concurrency,
        per_key: args.per_key,
        per_second: args.per_second,
    };
    let queue = &args.queue;
    limits::set(pool, queue, limit, args.because.by()).await?;
    admin::done(format_args!("queue {queue} is limited"))
}

pub async fn remove(pool: &PgPool, queue: &str, because: &Because) -> anyhow::Result<ExitCode> {
    limits::remove(pool, queue, because.by()).await?;
    admin::done(format_args!("queue {queue} has no limit"))
}
