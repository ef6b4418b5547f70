//! `mediamill owners`: what owners have and may have.

use std::process::ExitCode;

use api::v1::admin::{
    owners,
    view::{OwnerPage, OwnerView},
};
use clap::Subcommand;
use media::{
    OwnerId,
    owners::{Owner, Quota},
};
use sqlx::PgPool;

use super::admin::{self, Because, Output};
use crate::{output::note, table};

#[derive(Subcommand)]
pub enum Command {
    /// List owners by name: how much they have, and may have where that is not as the settings say
    List {
        /// Go on behind this one
        #[arg(long)]
        after: Option<OwnerId>,
        /// Most entries
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=500))]
        limit: i64,
        #[command(flatten)]
        output: Output,
    },
    /// Set what an owner may have, in place of what was set before; what is not named is as the settings say
    Quota {
        /// The owner
        owner: OwnerId,
        /// Files; 0: none
        #[arg(long, value_parser = clap::value_parser!(u64).range(..=9_007_199_254_740_991))]
        max_files: Option<u64>,
        /// Bytes of all files together, as they were sent; 0: none
        #[arg(long, value_parser = clap::value_parser!(u64).range(..=9_007_199_254_740_991))]
        max_bytes: Option<u64>,
        /// Uploads that are open at a time; 0: none
        #[arg(long, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
        max_open_uploads: Option<u32>,
        #[command(flatten)]
        because: Because,
        #[command(flatten)]
        output: Output,
    },
}

pub async fn run(pool: &PgPool, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List {
            after,
            limit,
            output,
        } => {
            let (owners, more) = owners::page(pool, after.as_ref(), limit).await?;
            if output.json {
                return admin::json(&OwnerPage::new(owners, more));
            }
            print(&owners)?;
            if let Some(last) = owners.last().filter(|_| more) {
                note!("there are more: --after {}", last.owner_id);
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Quota {
            owner,
            max_files,
            max_bytes,
            max_open_uploads,
            because,
            output,
        } => {
            let quota = Quota {
                max_files,
                max_bytes,
                max_open_uploads,
            };
            let owner = owners::allow(pool, &owner, quota, because.by()).await?;
            if output.json {
                return admin::json(&OwnerView::from(owner));
            }
            print(&[owner])?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn print(owners: &[Owner]) -> anyhow::Result<()> {
    let limit = |limit: Option<u64>| limit.map_or_else(String::new, |limit| limit.to_string());
    table::print(
        [
            "OWNER",
            "FILES",
            "BYTES",
            "MAX FILES",
            "MAX BYTES",
            "MAX OPEN UPLOADS",
        ],
        owners.iter().map(|owner| {
            let quota = owner.quota;
            [
                owner.owner_id.clone(),
                owner.usage.files.to_string(),
                owner.usage.bytes.to_string(),
                limit(quota.max_files),
                limit(quota.max_bytes),
                limit(quota.max_open_uploads.map(Into::into)),
            ]
        }),
    )?;
    Ok(())
}
