//! The subcommands, one a file.

mod admin;
mod api;
mod audit;
mod dead_letters;
mod dev;
mod doctor;
mod files;
mod keys;
mod known;
mod migrate;
mod openapi;
mod owners;
mod proof;
mod queues;
mod runs;
mod storage;
mod upload;
mod worker;
mod workers;
mod workflows;

use std::process::ExitCode;

use clap::Subcommand;

use self::admin::Group;
use crate::settings;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run everything on this machine: private Postgres, S3 server and virus scanner, API, workers
    Dev(dev::Args),
    /// Upload files, and with --wait see them through to their variants
    Upload(upload::Args),
    /// Serve the HTTP API (settings from the environment)
    #[command(after_help = settings::help(settings::API))]
    Api,
    /// Work on uploaded files (settings from the environment)
    #[command(after_help = settings::help(settings::WORKER))]
    Worker,
    /// Bring the database's schema up to this build (settings from the environment)
    Migrate(migrate::Args),
    /// Check that everything a worker needs is here and works; the exit code is 1 if anything is not (settings from the
    /// environment)
    #[command(after_help = settings::help(settings::WORKER))]
    Doctor,
    /// Make, list and revoke API keys
    Keys(Group<keys::Command>),
    /// What owners have and may have: list, set quotas
    Owners(Group<owners::Command>),
    /// What every run does or waits for: list, explain, cancel, pause, resume, restart
    Runs(Group<runs::Command>),
    /// Show a file, send it through again, or take it down
    Files(Group<files::Command>),
    /// What failed for good: list, sum up, show, re-drive, discard
    DeadLetters(Group<dead_letters::Command>),
    /// How much waits where: list, pause, resume, limits over all workers
    Queues(Group<queues::Command>),
    /// Who is at work
    Workers(Group<workers::Command>),
    /// Who did what, when and why
    Audit(Group<audit::Command>),
    /// Whether this build can go on with the runs in flight
    Workflows(Group<workflows::Command>),
    /// Whether the object store keeps its promises, and agrees with the database: check, set up, audit
    Storage(storage::Args),
    /// Write the API's contract
    Openapi(openapi::Args),
}

impl Command {
    /// Runs it. An error is ours or the surroundings'; anything about the files is in the code.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Dev(args) => dev::run(args).await,
            Self::Upload(args) => upload::run(args).await,
            Self::Api => api::run().await,
            Self::Worker => worker::run().await,
            Self::Doctor => Box::pin(doctor::run()).await,
            Self::Migrate(args) => migrate::run(&args).await,
            Self::Keys(group) => {
                let (pool, command) = group.open().await?;
                keys::run(&pool, command).await
            }
            Self::Owners(group) => {
                let (pool, command) = group.open().await?;
                owners::run(&pool, command).await
            }
            Self::Runs(group) => {
                let (pool, command) = group.open().await?;
                runs::run(&pool, command).await
            }
            Self::Files(group) => {
                let (pool, command) = group.open().await?;
                files::run(&pool, command).await
            }
            Self::DeadLetters(group) => {
                let (pool, command) = group.open().await?;
                dead_letters::run(&pool, command).await
            }
            Self::Queues(group) => {
                let (pool, command) = group.open().await?;
                queues::run(&pool, command).await
            }
            Self::Workers(group) => {
                let (pool, command) = group.open().await?;
                workers::run(&pool, command).await
            }
            Self::Audit(group) => {
                let (pool, command) = group.open().await?;
                audit::run(&pool, command).await
            }
            Self::Workflows(group) => {
                let (pool, command) = group.open().await?;
                workflows::run(&pool, command).await
            }
            Self::Storage(args) => storage::run(args).await,
            Self::Openapi(args) => openapi::run(&args),
        }
    }
}
