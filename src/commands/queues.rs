//! `mediamill queues`: how much waits where, and holding it.

use std::process::ExitCode;

use api::admin::{to_json, view::QueueList};
use clap::Subcommand;
use workflows::admin::queues;

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
        Command::List { output } => {
            let queues = queues::list(&pool).await?;
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
        Command::Pause { queue, because } => {
            queues::pause(&pool, &queue, because.by()).await?;
            Ok(admin::done(&format!("queue {queue} is paused")))
        }
        Command::Resume { queue, because } => {
            queues::resume(&pool, &queue, because.by()).await?;
            Ok(admin::done(&format!("queue {queue} goes on")))
        }
    }
}
