//! `mediamill files`: what operators do with files.

use std::process::ExitCode;

use api::{
    admin::view::RunEntryView,
    files::{delete::Deletion, retry},
};
use chrono::Utc;
use clap::Subcommand;
use media::FileId;
use sqlx::PgPool;
use uuid::Uuid;
use workers::route;
use workflows::{Hints, admin::runs};

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
    /// Take a file down, as if its owner had deleted it: variants and original are removed from storage
    Delete {
        /// The file
        id: Uuid,
        #[command(flatten)]
        because: Because,
    },
}

pub async fn run(pool: &PgPool, command: Command) -> anyhow::Result<ExitCode> {
    let hooks = admin::hooks()?;
    match command {
        Command::Retry {
            id,
            because,
            output,
        } => {
            let by = because.by().telling(&hooks);
            let run_id = retry::retry(pool, FileId(id), by).await?;
            if output.json {
                return admin::json(&RunEntryView::from(runs::get(pool, run_id).await?));
            }
            admin::done(format_args!(
                "file {id} is on its way again, by run {run_id}"
            ))
        }
        Command::Delete { id, because } => {
            let deletion = Deletion {
                pool,
                discards: &route::discard().starter().hinting(&Hints::new(pool)),
                now: Utc::now(),
                by: because.by().telling(&hooks),
            };
            deletion.by_operator(FileId(id)).await?;
            admin::done(format_args!("file {id} is gone, and its bytes go soon"))
        }
    }
}
