//! `mediamill dead-letters`: what failed for good, and what to do about it.

mod discard;
mod filter;
mod list;
mod redrive;
mod redrives;

use std::process::ExitCode;

use clap::Subcommand;
use sqlx::PgPool;
use uuid::Uuid;

use self::filter::Filter;
pub use self::filter::age;
use super::admin::{self, Because, Output, Part};

#[derive(Subcommand)]
pub enum Command {
    /// List dead letters, newest first
    List {
        #[command(flatten)]
        filter: Filter,
        /// Those that are resolved, too
        #[arg(long)]
        resolved: bool,
        #[command(flatten)]
        part: Part,
        #[command(flatten)]
        output: Output,
    },
    /// Count open dead letters by kind, the most frequent first
    Summary {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        output: Output,
    },
    /// Show a letter and every attempt of its task
    Show {
        /// The letter
        id: Uuid,
        #[command(flatten)]
        output: Output,
    },
    /// Start a dead task anew, or with --all many of them at a rate
    Redrive(Box<redrive::Args>),
    /// List re-drives of many, show one, stop one
    Redrives {
        #[command(subcommand)]
        command: Option<redrives::Command>,
        #[command(flatten)]
        list: redrives::List,
    },
    /// Give a dead task up, or with --all many of them, and with them their runs
    Discard(Box<discard::Args>),
    /// The same as `redrives stop`
    #[command(hide = true)]
    Stop {
        /// The re-drive
        id: Uuid,
        #[command(flatten)]
        because: Because,
        #[command(flatten)]
        output: Output,
    },
}

pub async fn run(pool: &PgPool, command: Command) -> anyhow::Result<ExitCode> {
    let hooks = admin::hooks()?;
    match command {
        Command::List {
            filter,
            resolved,
            part,
            output,
        } => list::letters(pool, filter, resolved, &part, &output).await,
        Command::Summary { filter, output } => list::kinds(pool, filter, &output).await,
        Command::Show { id, output } => list::one(pool, id, &output).await,
        Command::Redrive(args) => redrive::run(pool, &hooks, *args).await,
        Command::Redrives { command, list } => redrives::run(pool, command, list).await,
        Command::Discard(args) => discard::run(pool, &hooks, *args).await,
        Command::Stop {
            id,
            because,
            output,
        } => redrives::stop(pool, id, &because, &output).await,
    }
}

/// Says what became of a letter.
async fn resolved(pool: &PgPool, id: Uuid, output: &Output, how: &str) -> anyhow::Result<ExitCode> {
    if output.json {
        return list::one(pool, id, output).await;
    }
    admin::done(format_args!("letter {id} is {how}"))
}
