//! `mediamill workers`: who is at work.

use std::process::ExitCode;

use api::v1::admin::view::WorkerList;
use clap::Subcommand;
use sqlx::PgPool;
use workflows::admin::workers;

use super::admin::{self, Output, time};
use crate::table;

#[derive(Subcommand)]
pub enum Command {
    /// List the workers that have not left, newest first, and whether they are alive
    List {
        #[command(flatten)]
        output: Output,
    },
}

pub async fn run(pool: &PgPool, command: Command) -> anyhow::Result<ExitCode> {
    let Command::List { output } = command;
    let workers = workers::list(pool).await?;
    if output.json {
        let list = WorkerList::from(workers);
        return admin::json(&list);
    }
    table::print(
        [
            "WORKER", "NAME", "BUILD", "ALIVE", "SINCE", "SEEN", "TASKS", "QUEUES",
        ],
        workers.iter().map(|worker| {
            let queues = worker.queues.iter();
            let queues: Vec<_> = queues
                .map(|(queue, slots)| format!("{queue} {slots}"))
                .collect();
            let alive = if worker.alive { "yes" } else { "gone" };
            [
                worker.worker_id.to_string(),
                worker.name.clone(),
                worker.build.clone(),
                alive.to_owned(),
                time(worker.started_at),
                time(worker.seen_at),
                worker.tasks.to_string(),
                queues.join(", "),
            ]
        }),
    )?;
    Ok(ExitCode::SUCCESS)
}
