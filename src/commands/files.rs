//! `mediamill files`: what operators do with files.

use std::process::ExitCode;

use api::{admin::view::RunEntryView, files::retry};
use clap::Subcommand;
use media::FileId;
use sqlx::PgPool;
use uuid::Uuid;
use workflows::admin::runs;

use super::admin::{self, Because, Output};

#[derive(Subcommand)]
pub enum Command {
    /// Send a file through again that was refused, cancelled or failed by mistake, as long as its bytes are kept
    Retry {
        /// The file
        id: Uuid,
        #[command(flatten)]
        because: Because,
        #[command(flatten)]
        output: Output,
    },
}

pub async fn run(pool: &PgPool, command: Command) -> anyhow::Result<ExitCode> {
    let Command::Retry {
        id,
        because,
        output,
    } = command;
    let hooks = admin::hooks(pool)?;
    let by = because.by().telling(&hooks);
    let run_id = retry::retry(pool, FileId(id), by).await?;
    if output.json {
        return admin::json(&RunEntryView::from(runs::get(pool, run_id).await?));
    }
    admin::done(format_args!(
        "file {id} is on its way again, by run {run_id}"
    ))
}
