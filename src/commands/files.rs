//! `mediamill files`: what operators do with files.

use std::process::ExitCode;

use api::v1::{
    admin::view::RunEntryView,
    files::{delete::Deletion, retry},
};
use clap::Subcommand;
use media::FileId;
use sqlx::PgPool;
use uuid::Uuid;
use workers::workflows::discard;
use workflows::{Hints, admin::runs};

use super::admin::{self, Because, Output};
use crate::clock;

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
                return admin::json(&RunEntryView::from(runs::get(pool, run_id.into()).await?));
            }
            admin::done(format_args!(
                "file {id} is on its way again, by run {run_id}"
            ))
        }
        Command::Delete { id, because } => {
            let deletion = Deletion {
                pool,
                discards: &discard::starter().hinting(&Hints::new(pool)),
                now: clock::now(),
                by: because.by().telling(&hooks),
            };
            deletion.by_operator(FileId(id)).await?;
            admin::done(format_args!("file {id} is gone, and its bytes go soon"))
        }
    }
}
