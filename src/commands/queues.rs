//! `mediamill queues`: how much waits where, and holding it.

use std::process::ExitCode;

use api::admin::{
    to_json,
    view::{QueueLimitList, QueueList},
};
use clap::Subcommand;
use sqlx::PgPool;
use workflows::admin::{
    limits::{self, Limit, LimitEntry},
    queues,
};

use super::admin::{self, Because, Output};
use crate::table;

#[derive(Subcommand)]
pub enum Command {
    /// List the queues that ever had work
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Hold a queue, in all workers: nothing more of it is begun
    Pause {
        /// Name of the queue
        queue: String,
        #[command(flatten)]
        because: Because,
    },
    /// List the queues that have limits over all workers, and how much of them runs
    Limits {
        #[command(flatten)]
        output: Output,
    },
    /// Limit what runs of a queue in all workers together, in place of the limit that it had
    Limit {
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
    },
    /// Take the limit from a queue
    Unlimit {
        /// Name of the queue
        queue: String,
        #[command(flatten)]
        because: Because,
    },
    /// Let a paused queue go on
    Resume {
        /// Name of the queue
        queue: String,
        #[command(flatten)]
        because: Because,
    },
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let pool = admin::pool().await?;
    match command {
        Command::List { output } => list(&pool, output).await,
        Command::Pause { queue, because } => {
            queues::pause(&pool, &queue, because.by()).await?;
            Ok(admin::done(&format!("queue {queue} is paused")))
        }
        Command::Limits { output } => {
            let limits = limits::list(&pool).await?;
            if output.json {
                return Ok(admin::done(
                    &to_json(&QueueLimitList::from(limits)).to_string(),
                ));
            }
            print_limits(&limits);
            Ok(ExitCode::SUCCESS)
        }
        Command::Limit {
            queue,
            concurrency,
            per_key,
            per_second,
            because,
        } => {
            let limit = Limit {
                concurrency,
                per_key,
                per_second,
            };
            limits::set(&pool, &queue, limit, because.by()).await?;
            Ok(admin::done(&format!("queue {queue} is limited")))
        }
        Command::Unlimit { queue, because } => {
            limits::remove(&pool, &queue, because.by()).await?;
            Ok(admin::done(&format!("queue {queue} has no limit")))
        }
        Command::Resume { queue, because } => {
            queues::resume(&pool, &queue, because.by()).await?;
            Ok(admin::done(&format!("queue {queue} goes on")))
        }
    }
}

async fn list(pool: &PgPool, output: Output) -> anyhow::Result<ExitCode> {
    let queues = queues::list(pool).await?;
    if output.json {
        return Ok(admin::done(&to_json(&QueueList::from(queues)).to_string()));
    }
    table::print(
        ["QUEUE", "READY", "SUSPECTS", "SLOTS", "WORKFLOWS", "PAUSED"],
        queues.iter().map(|queue| {
            [
                queue.queue.clone(),
                queue.ready.to_string(),
                queue.suspects.to_string(),
                queue.slots.to_string(),
                queue.workflows.join(", "),
                admin::pause(queue.paused.as_ref()),
            ]
        }),
    );
    Ok(ExitCode::SUCCESS)
}

fn print_limits(limits: &[LimitEntry]) {
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
    );
}
