//! The subcommands, one a file.

mod admin;
mod api;
mod audit;
mod dead_letters;
mod dev;
mod files;
mod keys;
mod migrate;
mod openapi;
mod proof;
mod queues;
mod runs;
mod upload;
mod worker;
mod workers;
mod workflows;

use std::process::ExitCode;

use clap::Subcommand;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run everything on this machine: private Postgres, S3 server and virus scanner, API, workers
    Dev(dev::Args),
    /// Upload files, and with --wait see them through to their variants
    Upload(upload::Args),
    /// Serve the HTTP API (settings from the environment)
    Api,
    /// Work on uploaded files (settings from the environment)
    Worker,
    /// Bring the database's schema up to this build (settings from the environment)
    Migrate,
    /// Make and revoke API keys (settings from the environment)
    #[command(subcommand)]
    Keys(keys::Command),
    /// What every run does or waits for: list, explain, cancel, pause, resume, restart
    #[command(subcommand)]
    Runs(runs::Command),
    /// What became of a file: send it through again
    #[command(subcommand)]
    Files(files::Command),
    /// What failed for good: list, sum up, show, re-drive, discard
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
    /// How much waits where: list, pause, resume
    #[command(subcommand)]
    Queues(queues::Command),
    /// Who is at work
    #[command(subcommand)]
    Workers(workers::Command),
    /// Who did what, when and why
    #[command(subcommand)]
    Audit(audit::Command),
    /// Whether this build can go on with the runs in flight
    #[command(subcommand)]
    Workflows(workflows::Command),
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
            Self::Migrate => migrate::run().await,
            Self::Keys(command) => keys::run(command).await,
            Self::Runs(command) => runs::run(command).await,
            Self::Files(command) => files::run(command).await,
            Self::DeadLetters(command) => dead_letters::run(command).await,
            Self::Queues(command) => queues::run(command).await,
            Self::Workers(command) => workers::run(command).await,
            Self::Audit(command) => audit::run(command).await,
            Self::Workflows(command) => workflows::run(command).await,
            Self::Openapi(args) => openapi::run(&args),
        }
    }
}

/// One sentence with its causes on standard error, and exit code 1.
pub fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("mediamill: {error:#}");
    ExitCode::FAILURE
}
