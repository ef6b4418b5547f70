//! `mediamill dead-letters`: what failed for good, and what to do about it.

mod filter;
mod redrive;

use std::process::ExitCode;

use api::admin::{
    to_json,
    view::{DeadLetterDetail, DeadLetterPage, RedriveView},
};
use clap::Subcommand;
use sqlx::PgPool;
use uuid::Uuid;
use workflows::admin::dead_letters;

use self::filter::Filter;
use super::admin::{self, Because, Output, Part, time};
use crate::table;

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
    /// Show a letter and every attempt of its task
    Show {
        /// The letter
        id: Uuid,
        #[command(flatten)]
        output: Output,
    },
    /// Start a dead task anew, or with --all many of them at a rate
    Redrive(Box<redrive::Args>),
    /// Give a dead task up, and with it its run
    Discard {
        /// The letter
        id: Uuid,
        #[command(flatten)]
        because: Because,
        #[command(flatten)]
        output: Output,
    },
    /// Stop a re-drive of many where it is
    Stop {
        /// The re-drive
        id: Uuid,
        #[command(flatten)]
        because: Because,
        #[command(flatten)]
        output: Output,
    },
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let pool = admin::pool().await?;
    match command {
        Command::List {
            filter,
            resolved,
            part,
            output,
        } => list(&pool, filter, resolved, &part, &output).await,
        Command::Show { id, output } => show(&pool, id, &output).await,
        Command::Redrive(args) => redrive::run(&pool, *args).await,
        Command::Discard {
            id,
            because,
            output,
        } => {
            dead_letters::discard(&pool, id, because.by()).await?;
            resolved(&pool, id, &output, "discarded").await
        }
        Command::Stop {
            id,
            because,
            output,
        } => {
            let redrive = workflows::admin::redrive::stop(&pool, id, because.by()).await?;
            let done = redrive.redriven;
            Ok(if output.json {
                admin::done(&to_json(&RedriveView::from(redrive)).to_string())
            } else {
                admin::done(&format!("re-drive {id} has ended: {done} re-driven"))
            })
        }
    }
}

async fn list(
    pool: &PgPool,
    filter: Filter,
    resolved: bool,
    part: &Part,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let page = dead_letters::list(pool, &filter.into(), resolved, part.paging()).await?;
    if output.json {
        return Ok(admin::done(
            &to_json(&DeadLetterPage::from(page)).to_string(),
        ));
    }
    table::print(
        [
            "LETTER",
            "DIED",
            "STEP",
            "OWNER",
            "CAUSE",
            "RESOLVED",
            "FINGERPRINT",
            "ERROR",
        ],
        page.items.iter().map(|letter| {
            [
                letter.letter_id.to_string(),
                time(letter.died_at),
                format!("{} v{} {}", letter.workflow, letter.version, letter.step),
                letter.owner.clone(),
                letter.cause.clone(),
                letter.resolution.clone().unwrap_or_default(),
                letter.fingerprint.clone(),
                admin::message(&letter.error),
            ]
        }),
    );
    admin::more(page.next);
    Ok(ExitCode::SUCCESS)
}

async fn show(pool: &PgPool, id: Uuid, output: &Output) -> anyhow::Result<ExitCode> {
    let (letter, attempts) = dead_letters::show(pool, id).await?;
    if output.json {
        let detail = DeadLetterDetail::from((letter, attempts));
        return Ok(admin::done(&to_json(&detail).to_string()));
    }
    println!("letter       {}", letter.letter_id);
    println!("run          {}", letter.run_id);
    println!(
        "step         {} v{} {}",
        letter.workflow, letter.version, letter.step
    );
    println!("owner        {}", letter.owner);
    println!("died         {}", time(letter.died_at));
    println!(
        "cause        {} ({} errors, {} crashes, {} interruptions)",
        letter.cause, letter.errors, letter.crashes, letter.interruptions
    );
    // As JSON it holds nothing that could steer a terminal.
    println!("error        {}", letter.error);
    println!("input        {}", letter.input);
    println!("fingerprint  {}", letter.fingerprint);
    if let (Some(resolution), Some(at)) = (&letter.resolution, letter.resolved_at) {
        let by = letter.resolved_by.as_deref().unwrap_or_default();
        let reason = letter.reason.as_deref().unwrap_or_default();
        println!(
            "resolved     {resolution} at {} by {by}: {reason}",
            time(at)
        );
    }
    println!();
    admin::print_attempts(&attempts);
    Ok(ExitCode::SUCCESS)
}

/// Says what became of a letter.
async fn resolved(pool: &PgPool, id: Uuid, output: &Output, how: &str) -> anyhow::Result<ExitCode> {
    if output.json {
        return show(pool, id, output).await;
    }
    Ok(admin::done(&format!("letter {id} is {how}")))
}
