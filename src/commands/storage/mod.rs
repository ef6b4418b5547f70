//! `mediamill storage`: whether the object store keeps its promises, and whether it and the database agree.

mod audit;
mod check;
mod setup;

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use storage::{ObjectStore, StorageConfig};

use super::dev;
use crate::{database, settings};

#[derive(clap::Args)]
pub struct Args {
    /// Data folder of a running `mediamill dev`; without it the settings of the environment are used
    #[arg(long, global = true)]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Try on the real buckets every promise that the service rests on
    #[command(after_help = check::EXIT_CODES)]
    Check(check::Args),
    /// Make the buckets, let pages of some origins send to them, and let the store drop forgotten uploads
    Setup(setup::Args),
    /// Compare the buckets with the database, both ways; changes nothing unless told to
    #[command(after_help = audit::EXIT_CODES)]
    Audit(audit::Args),
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let storage: StorageConfig = match &args.data_dir {
        Some(data_dir) => dev::storage_of(data_dir)?,
        None => settings::storage()?,
    };
    let store = ObjectStore::new(&storage);
    match args.command {
        Command::Check(check) => check::run(&store, &check).await,
        Command::Setup(setup) => setup::run(&store, &setup).await,
        Command::Audit(audit) => {
            let url = match &args.data_dir {
                Some(data_dir) => dev::place::read(data_dir)?,
                None => settings::database()?.url,
            };
            // The buckets are read while rows are looked up.
            let pool = database::connect(&url, 2).await?;
            database::must_be_migrated(&pool).await?;
            audit::run(&pool, &store, &audit).await
        }
    }
}
