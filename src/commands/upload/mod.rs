//! `mediamill upload`: sends files, and sees them through.

mod client;
mod exit;
mod part;
mod progress;
mod send;
mod session;
mod watch;

use std::{
    path::{Path, PathBuf},
    pin::pin,
    process::ExitCode,
};

use anyhow::{Context, anyhow};
use chrono::TimeDelta;
use futures::{StreamExt, stream};
use serde_json::json;

use self::{
    client::{Client, failure},
    exit::{EXIT_CODES, Failure, INTERRUPTED},
    progress::Progress,
    send::Sent,
    watch::Outcome,
};
use super::dead_letters::age;
use crate::{
    output::{self, OutputError, note, out},
    signals::Stop,
};

/// Files on their way at once. Each also sends several parts at once.
const FILES_AT_ONCE: usize = 8;
/// Where `mediamill dev` keeps its key, seen from where it was started.
const KEY_OF_DEV: &str = ".mediamill/key";

#[derive(clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Args {
    /// Address of the API
    #[arg(long, env = "MEDIAMILL_API", default_value = "http://127.0.0.1:8080")]
    api: String,
    /// API key; by default the one that `mediamill dev` keeps in .mediamill/key
    #[arg(long, env = "MEDIAMILL_KEY", hide_env_values = true)]
    key: Option<String>,
    /// See the files through to READY or REJECTED
    #[arg(long)]
    wait: bool,
    /// Give up after this time, such as 90s, 15m, 2h; without it never. What the service has it goes on with
    #[arg(long, value_parser = age)]
    timeout: Option<TimeDelta>,
    /// One JSON object a file on standard output
    #[arg(long)]
    json: bool,
    /// Files to send
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let stop = Stop::on_signals().context("cannot listen for signals")?;
    let timeout = args.timeout.and_then(|time| time.to_std().ok());
    let timeout = async {
        match timeout {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    let resumable = "what was not sent goes on where it stopped when the same command is run again, and what was sent goes on by itself";
    tokio::select! {
        worst = all(&args) => Ok(worst?.map_or(ExitCode::SUCCESS, ExitCode::from)),
        () = timeout => {
            note!("mediamill: the time is over; {resumable}");
            Ok(Failure::TimedOut.into())
        }
        () = stop.stop.cancelled() => {
            note!("\nmediamill: interrupted; {resumable}");
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

/// Sends all files. Returns the worst that happened.
async fn all(args: &Args) -> anyhow::Result<Option<Failure>> {
    let key = match &args.key {
        Some(key) => key.clone(),
        None => std::fs::read_to_string(KEY_OF_DEV).map_err(|error| {
            anyhow!("no API key: pass --key, or set MEDIAMILL_KEY ({KEY_OF_DEV} cannot be read: {error})")
        })?,
    };
    let progress = Progress::of(&args.files);
    let client = Client::new(&args.api, key.trim(), &progress)?;
    if let Err(error) = client.greet().await {
        note!("mediamill: {}", output::sentence(&error));
        return Ok(Some(Failure::Unreachable));
    }
    let outcomes = stream::iter(&args.files).map(async |path| {
        let result = one(&client, path, args.wait, &progress).await;
        progress.done(path);
        (path, result)
    });
    let mut outcomes = pin!(outcomes.buffer_unordered(FILES_AT_ONCE));
    let mut telling = pin!(progress.tell());
    let mut worst = None;
    loop {
        tokio::select! {
            outcome = outcomes.next() => {
                let Some((path, result)) = outcome else {
                    return Ok(worst);
                };
                worst = worst.max(report(path, result, args.json)?);
            }
            () = &mut telling => {}
        }
    }
}

async fn one(
    client: &Client<'_>,
    path: &Path,
    wait: bool,
    progress: &Progress,
) -> anyhow::Result<Outcome> {
    let Sent {
        file_id,
        session,
        before,
    } = send::send(client, path, progress).await?;
    let outcome = if wait {
        let when = if before { "was sent before" } else { "sent" };
        note!("{}: {when}, file {file_id}", shown(path));
        // Whoever stops waiting and says the same again waits for this file, and sends no second one.
        watch::watch(client, path, &file_id, progress).await?
    } else {
        Outcome::Sent(file_id)
    };
    session.forget();
    Ok(outcome)
}

/// A name that is not Unicode is told as far as it can be, and one that could steer a terminal with escapes.
fn shown(path: &Path) -> String {
    output::harmless(&path.to_string_lossy())
}

/// Says what became of a file.
fn report(
    path: &Path,
    result: anyhow::Result<Outcome>,
    as_json: bool,
) -> Result<Option<Failure>, OutputError> {
    let name = shown(path);
    match result {
        Ok(outcome) => {
            if as_json {
                out!("{}", outcome.to_json(path))?;
            } else {
                out!("{name}: {outcome}")?;
            }
            Ok(outcome.failure())
        }
        Err(error) => {
            let told = output::sentence(&error);
            if as_json {
                out!(
                    "{}",
                    json!({ "path": path.to_string_lossy(), "error": told })
                )?;
            } else {
                note!("{name}: {}", output::harmless(&told));
            }
            Ok(Some(failure(&error)))
        }
    }
}
