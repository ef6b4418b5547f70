//! What the commands for operators share. They work on the database itself, so they need neither the API nor a key.

use std::process::ExitCode;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use uuid::Uuid;
use workers::route;
use workflows::admin::{By, Hooks, Paging, Pause, Payload, explain::Attempt};

use crate::{database, settings, table};

/// How to answer.
#[derive(clap::Args)]
pub struct Output {
    /// One line of JSON, as the HTTP API answers it
    #[arg(long)]
    pub json: bool,
}

/// Who acts, and why.
#[derive(clap::Args)]
pub struct Because {
    /// Why; kept in the audit
    #[arg(long)]
    reason: String,
    /// Who; kept in the audit
    #[arg(long, default_value_t = user())]
    actor: String,
}

impl Because {
    pub fn by(&self) -> By<'_> {
        By::new(&self.actor, &self.reason)
    }
}

/// Which part of a list.
#[derive(clap::Args)]
pub struct Part {
    /// Go on behind this one
    #[arg(long)]
    after: Option<Uuid>,
    /// Most entries
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=500))]
    limit: i64,
}

impl Part {
    pub fn paging(&self) -> Paging {
        Paging {
            after: self.after,
            limit: self.limit,
        }
    }
}

/// The user of this machine.
pub fn user() -> String {
    let user = std::env::var("USER").ok();
    user.filter(|user| !user.trim().is_empty())
        .unwrap_or_else(|| "cli".to_owned())
}

pub async fn pool() -> anyhow::Result<PgPool> {
    database::connect(&settings::database()?.url).await
}

/// The database, and what files want to be told of what is done to their runs.
pub async fn pool_and_hooks() -> anyhow::Result<(PgPool, Hooks)> {
    let (database, kept) = settings::operators()?;
    let pool = database::connect(&database.url).await?;
    let hooks = route::hooks(&pool, kept);
    Ok((pool, hooks))
}

/// Says that something was done, in the way that was asked for.
pub fn done(what: &str) -> ExitCode {
    println!("{what}");
    ExitCode::SUCCESS
}

/// Says how to get the rest of a list.
pub fn more(next: Option<Uuid>) {
    if let Some(next) = next {
        eprintln!("there are more: --after {next}");
    }
}

pub fn time(at: DateTime<Utc>) -> String {
    at.format("%F %T").to_string()
}

pub fn pause(pause: Option<&Pause>) -> String {
    pause.map_or_else(String::new, |pause| {
        format!("by {}, {}: {}", pause.by, time(pause.at), pause.reason)
    })
}

/// Text without anything that could steer a terminal.
pub fn harmless(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// Prints what was tried.
pub fn print_attempts(attempts: &[Attempt]) {
    table::print(
        [
            "ENDED", "STEP", "CHILD", "OUTCOME", "TOOK", "WORKER", "ERROR",
        ],
        attempts.iter().map(|attempt| {
            let error = attempt.error.as_ref().map(Payload::to_value);
            [
                time(attempt.ended_at),
                attempt.step.clone(),
                attempt.child.map_or_else(String::new, |n| n.to_string()),
                attempt.outcome.clone(),
                took(attempt.ended_at - attempt.started_at),
                attempt.worker.clone().unwrap_or_default(),
                error.as_ref().map_or_else(String::new, message),
            ]
        }),
    );
}

/// The line for people in a stored error or rejection.
pub fn message(error: &serde_json::Value) -> String {
    let text = error["message"].as_str();
    text.map_or_else(|| error.to_string(), ToOwned::to_owned)
}

fn took(time: TimeDelta) -> String {
    format!("{} ms", time.num_milliseconds())
}
