//! `mediamill dead-letters redrives`: re-drives of many, how far they are, and stopping them.

use std::process::ExitCode;

use api::v1::admin::view::{RedriveList, RedriveView};
use clap::Subcommand;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;
use workflows::admin::redrive::{self, Redrive};

use super::super::admin::{self, Because, Output, time};
use crate::{
    output::{harmless, out},
    table,
};

#[derive(Subcommand)]
pub enum Command {
    /// List them, newest first
    List(List),
    /// Show one and how far it is
    Show {
        /// The re-drive
        id: Uuid,
        #[command(flatten)]
        output: Output,
    },
    /// Stop one where it is
    Stop {
        /// The re-drive
        id: Uuid,
        #[command(flatten)]
        because: Because,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(clap::Args)]
pub struct List {
    /// Only those that have not ended
    #[arg(long)]
    going_on: bool,
    #[command(flatten)]
    output: Output,
}

pub async fn run(pool: &PgPool, command: Option<Command>, all: List) -> anyhow::Result<ExitCode> {
    match command.unwrap_or(Command::List(all)) {
        Command::List(wanted) => list(pool, &wanted).await,
        Command::Show { id, output } => show(&redrive::get(pool, id.into()).await?, &output),
        Command::Stop {
            id,
            because,
            output,
        } => stop(pool, id, &because, &output).await,
    }
}

async fn list(pool: &PgPool, wanted: &List) -> anyhow::Result<ExitCode> {
    let redrives = redrive::list(pool, wanted.going_on).await?;
    if wanted.output.json {
        let list = RedriveList::from(redrives);
        return admin::json(&list);
    }
    table::print(
        [
            "REDRIVE", "SINCE", "ENDED", "DONE", "A SECOND", "WHO", "WHY", "FILTER",
        ],
        redrives.iter().map(|redrive| {
            [
                redrive.redrive_id.to_string(),
                time(redrive.created_at),
                redrive.ended_at.map_or_else(String::new, time),
                progress(redrive),
                redrive.per_second.to_string(),
                redrive.actor.clone(),
                redrive.reason.clone(),
                json!(redrive.filter).to_string(),
            ]
        }),
    )?;
    Ok(ExitCode::SUCCESS)
}

pub async fn stop(
    pool: &PgPool,
    id: Uuid,
    because: &Because,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let redrive = redrive::stop(pool, id.into(), because.by()).await?;
    told(redrive, output)
}

/// Says how far a re-drive is, in one line.
pub fn told(redrive: Redrive, output: &Output) -> anyhow::Result<ExitCode> {
    let (id, done) = (redrive.redrive_id, redrive.redriven);
    let how = if redrive.ended_at.is_some() {
        "has ended"
    } else {
        "goes on"
    };
    if output.json {
        return admin::json(&RedriveView::from(redrive));
    }
    admin::done(format_args!("re-drive {id} {how}: {done} re-driven"))
}

fn show(redrive: &Redrive, output: &Output) -> anyhow::Result<ExitCode> {
    if output.json {
        return told(redrive.clone(), output);
    }
    out!("re-drive   {}", redrive.redrive_id)?;
    out!(
        "filter     {}",
        harmless(&json!(redrive.filter).to_string())
    )?;
    if let Some(step) = &redrive.from_step {
        out!("from step  {}", harmless(step))?;
    }
    out!("done       {}", progress(redrive))?;
    out!(
        "rate       {} a second, {} at most",
        redrive.per_second,
        redrive.cap
    )?;
    out!("since      {}", time(redrive.created_at))?;
    match redrive.ended_at {
        Some(at) => out!("ended      {}", time(at))?,
        None => out!("ended      no, it goes on")?,
    }
    out!("by         {}", harmless(&redrive.actor))?;
    out!("reason     {}", harmless(&redrive.reason))?;
    Ok(ExitCode::SUCCESS)
}

fn progress(redrive: &Redrive) -> String {
    let skipped = match redrive.skipped {
        0 => String::new(),
        skipped => format!(", {skipped} left as they are"),
    };
    format!("{} of {}{skipped}", redrive.redriven, redrive.matched)
}
