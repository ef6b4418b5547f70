//! `mediamill audit`: who did what, when and why.

use std::process::ExitCode;

use api::v1::admin::view::AuditPage;
use clap::Subcommand;
use sqlx::PgPool;
use workflows::admin::audit;

use super::admin::{self, Output, time};
use crate::{output::note, table};

#[derive(Subcommand)]
pub enum Command {
    /// List what operators did, newest first
    List {
        /// Only what was done to this: the id of a run, a letter or a re-drive, or the name of a queue
        #[arg(long)]
        target: Option<String>,
        /// Go on behind this entry
        #[arg(long, alias = "before")]
        after: Option<i64>,
        /// Most entries
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=499))]
        limit: i64,
        #[command(flatten)]
        output: Output,
    },
}

pub async fn run(pool: &PgPool, command: Command) -> anyhow::Result<ExitCode> {
    let Command::List {
        target,
        after,
        limit,
        output,
    } = command;
    // One more than asked for tells whether there is a next page.
    let mut entries = audit::list(pool, target.as_deref(), after, limit + 1).await?;
    let limit = usize::try_from(limit)?;
    if output.json {
        let page = AuditPage::new(entries, limit);
        return admin::json(&page);
    }
    let more = entries.len() > limit;
    entries.truncate(limit);
    table::print(
        ["AT", "WHO", "WHAT", "TO", "WHY", "DETAILS"],
        entries.iter().map(|entry| {
            [
                time(entry.at),
                entry.actor.clone(),
                entry.action.clone(),
                entry.target.clone(),
                entry.reason.clone(),
                entry.details.to_string(),
            ]
        }),
    )?;
    if let Some(last) = entries.last().filter(|_| more) {
        note!("there are more: --after {}", last.audit_id);
    }
    Ok(ExitCode::SUCCESS)
}
