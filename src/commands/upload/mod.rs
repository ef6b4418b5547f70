//! `mediamill upload`: sends files, and sees them through.

mod client;
mod digest;
mod ends;
mod exit;
mod gather;
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

use self::{
    client::Client,
    ends::Ends,
    exit::{EXIT_CODES, Failure, INTERRUPTED},
    gather::gather,
    progress::Progress,
    send::Sent,
    session::Session,
    watch::Outcome,
};
use super::dead_letters::age;
use crate::{
    output::{self, note},
    signals::Stop,
};

/// Files on their way at once. Their parts share what `--parallel` allows.
const FILES_AT_ONCE: usize = 8;
/// Files that are seen through at once, when they are sent.
const WATCHED_AT_ONCE: usize = 64;
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
    /// Parts in flight at once, over all files
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    parallel: u16,
    /// Files to send, and folders with what is in them, but for hidden files and symbolic links
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
    let named = args.files.clone();
    let gathered = tokio::task::spawn_blocking(move || gather(&named)).await?;
    let progress = Progress::of(&gathered.files);
    let client = Client::new(&args.api, key.trim(), args.parallel.into(), &progress)?;
    if let Err(error) = client.greet().await {
        note!("mediamill: {}", output::sentence(&error));
        return Ok(Some(Failure::Unreachable));
    }
    for sentence in gathered.left_out() {
        note!("mediamill: {sentence}");
    }
    let mut ends = Ends::new(args.json);
    for (path, error) in gathered.unread {
        ends.add(&path, Err(error))?;
    }
    if gathered.files.is_empty() {
        note!("mediamill: there is no file to send");
    }
    let sent = stream::iter(&gathered.files)
        .map(async |path| (path, send::send(&client, path, &progress).await))
        .buffer_unordered(FILES_AT_ONCE);
    let seen_through = sent
        .map(async |(path, sent)| {
            let outcome = see_through(&client, path, sent, args.wait).await;
            progress.done(path);
            (path, outcome)
        })
        .buffer_unordered(WATCHED_AT_ONCE);
    let (mut seen_through, mut telling) = (pin!(seen_through), pin!(progress.tell()));
    loop {
        tokio::select! {
            end = seen_through.next() => {
                let Some((path, end)) = end else {
                    progress.clear();
                    return Ok(ends.worst());
                };
                progress.aside(|| ends.add(path, end))?;
            }
            () = &mut telling => {}
        }
    }
}

/// What became of a file that was sent.
async fn see_through(
    client: &Client<'_>,
    path: &Path,
    sent: anyhow::Result<Sent>,
    wait: bool,
) -> anyhow::Result<(Outcome, Session)> {
    let Sent {
        file_id,
        session,
        before,
    } = sent?;
    let when = if before { "was sent before" } else { "sent" };
    let outcome = if wait {
        let progress = client.progress;
        progress.aside(|| note!("{}: {when}, file {file_id}", shown(path)));
        watch::watch(client, path, &file_id, progress).await?
    } else {
        Outcome::Sent { file_id, before }
    };
    Ok((outcome, session))
}

/// A name that is not Unicode is told as far as it can be, and one that could steer a terminal with escapes.
fn shown(path: &Path) -> String {
    output::harmless(&path.to_string_lossy())
}
