//! What the commands for operators share. They work on the database itself, so they need neither the API nor a key.

use std::{
    fmt::Display,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use api::v1::admin::{ToJSON, to_json};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Subcommand;
use sqlx::PgPool;
use uuid::Uuid;
use workflows::admin::{Actor, Hooks, Paging, Pause, Payload, explain::Attempt};

use super::dev::place;
use crate::{
    database,
    output::{OutputError, note, out},
    settings, table,
};

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
    pub fn by(&self) -> Actor<'_> {
        Actor::new(&self.actor, &self.reason)
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

/// The user of this machine. In a container, which often has no name for its user, the number and the container's name.
pub fn user() -> String {
    let named = ["USER", "LOGNAME"].map(|name| std::env::var(name).ok());
    let mut named = named.into_iter().flatten();
    named
        .find(|user| !user.trim().is_empty())
        .unwrap_or_else(|| {
            let uid = fs::metadata("/proc/self").map(|process| process.uid());
            let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
            format!("uid {} on {}", uid.unwrap_or_default(), host.trim())
        })
}

/// A group of commands that work on the database.
#[derive(clap::Args)]
pub struct Group<C: Subcommand> {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: C,
}

impl<C: Subcommand> Group<C> {
    /// A pool on the database, and what to do with it.
    pub async fn open(self) -> anyhow::Result<(PgPool, C)> {
        Ok((self.place.pool().await?, self.command))
    }
}

/// What files want to be told of what is done to their runs.
pub fn hooks() -> anyhow::Result<Hooks> {
    Ok(workers::workflows::hooks(settings::kept()?))
}

/// Where the database is.
#[derive(clap::Args)]
pub struct Place {
    /// Data folder of a running `mediamill dev`; without it `MEDIAMILL_DATABASE_URL` is used, or `.mediamill`
    #[arg(long, global = true)]
    data_dir: Option<PathBuf>,
}

impl Place {
    async fn pool(&self) -> anyhow::Result<PgPool> {
        let url = match &self.data_dir {
            Some(data_dir) => place::read(data_dir)?,
            None => match settings::database() {
                Ok(database) => database.url,
                // A newcomer has neither.
                Err(missing) => place::read(Path::new(place::DATA_DIR)).map_err(|_| missing)?,
            },
        };
        // A command does one thing after another.
        let pool = database::connect(&url, 2).await?;
        database::must_be_ours(&pool).await?;
        Ok(pool)
    }
}

/// Says that something was done.
pub fn done(what: impl Display) -> anyhow::Result<ExitCode> {
    out!("{what}")?;
    Ok(ExitCode::SUCCESS)
}

/// Answers in one line of JSON.
pub fn json(view: &impl ToJSON) -> anyhow::Result<ExitCode> {
    done(to_json(view))
}

/// Says how to get the rest of a list.
pub fn more(next: Option<Uuid>) {
    if let Some(next) = next {
        note!("there are more: --after {next}");
    }
}

/// In UTC, and it says so.
pub fn time(at: DateTime<Utc>) -> String {
    at.format("%F %TZ").to_string()
}

pub fn pause(pause: Option<&Pause>) -> String {
    pause.map_or_else(String::new, |pause| {
        format!("by {}, {}: {}", pause.by, time(pause.at), pause.reason)
    })
}

/// Prints what was tried.
pub fn print_attempts(attempts: &[Attempt]) -> Result<(), OutputError> {
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
                attempt.outcome.to_string(),
                took(attempt.ended_at - attempt.started_at),
                attempt.worker.clone().unwrap_or_default(),
                error.as_ref().map_or_else(String::new, message),
            ]
        }),
    )
}

/// The line for people in a stored error or rejection.
pub fn message(error: &serde_json::Value) -> String {
    let text = error["message"].as_str();
    text.map_or_else(|| error.to_string(), ToOwned::to_owned)
}

fn took(time: TimeDelta) -> String {
    format!("{} ms", time.num_milliseconds())
}
