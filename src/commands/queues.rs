//! `mediamill queues`: how much waits where, and holding it.

mod limits;

use std::process::ExitCode;

use api::v1::admin::view::QueueList;
use clap::Subcommand;
use sqlx::PgPool;
use workflows::admin::{Breaker, queues};

use super::admin::{self, Because, Output, time};
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
        #[command(flatten)]
        output: Output,
    },
    /// List the queues that have limits over all workers, and how much of them runs
    Limits {
        #[command(flatten)]
        output: Output,
    },
    /// Limit what runs of a queue in all workers together, in place of the limit that it had
    Limit(limits::Args),
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
        #[command(flatten)]
        output: Output,
    },
}

pub async fn run(pool: &PgPool, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { output } => {
            let queues = queues::list(pool).await?;
            if output.json {
                return admin::json(&QueueList::from(queues));
            }
            table::print(
                [
                    "QUEUE",
                    "READY",
                    "SUSPECTS",
                    "SLOTS",
                    "WORKFLOWS",
                    "PAUSED",
                    "DOWN",
                ],
                queues.iter().map(|queue| {
                    [
                        queue.queue.clone(),
                        queue.ready.to_string(),
                        queue.suspects.to_string(),
                        queue.slots.to_string(),
                        queue.workflows.join(", "),
                        admin::pause(queue.paused.as_ref()),
                        down(&queue.breakers),
                    ]
                }),
            )?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Pause {
            queue,
            because,
            output,
        } => {
            queues::pause(pool, &queue, because.by()).await?;
            changed(pool, &queue, &output, "is paused").await
        }
        Command::Limits { output } => limits::list(pool, &output).await,
        Command::Limit(args) => limits::set(pool, args).await,
        Command::Unlimit { queue, because } => limits::remove(pool, &queue, &because).await,
        Command::Resume {
            queue,
            because,
            output,
        } => {
            queues::resume(pool, &queue, because.by()).await?;
            changed(pool, &queue, &output, "goes on").await
        }
    }
}

async fn changed(
    pool: &PgPool,
    queue: &str,
    output: &Output,
    how: &str,
) -> anyhow::Result<ExitCode> {
    if !output.json {
        return admin::done(format_args!("queue {queue} {how}"));
    }
    let mut queues = queues::list(pool).await?;
    queues.retain(|entry| entry.queue == queue);
    admin::json(&QueueList::from(queues))
}

/// What holds its tasks because it is down.
fn down(breakers: &[Breaker]) -> String {
    let sentences = breakers.iter().map(|breaker| {
        let (dependency, since, error) = (&breaker.dependency, time(breaker.since), &breaker.error);
        format!("{dependency} since {since}: {error}")
    });
    sentences.collect::<Vec<_>>().join("; ")
}
