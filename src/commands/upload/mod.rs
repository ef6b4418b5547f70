//! `mediamill upload`: sends files, and sees them through.

mod client;
mod progress;
mod send;
mod watch;

use std::{
    path::{Path, PathBuf},
    pin::pin,
    process::ExitCode,
};

use anyhow::Context;
use futures::{StreamExt, stream};
use serde_json::json;

use self::{client::Client, progress::Progress, watch::Outcome};

/// Files on their way at once. Each also sends several parts at once.
const FILES_AT_ONCE: usize = 8;

#[derive(clap::Args)]
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
    /// One JSON object a file on standard output
    #[arg(long)]
    json: bool,
    /// Files to send
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Exit code 0 when every file got as far as it was to get: sent, or with `--wait` READY.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let key = match args.key {
        Some(key) => key,
        None => std::fs::read_to_string(".mediamill/key")
            .context("no API key: pass --key, or set MEDIAMILL_KEY")?,
    };
    let client = Client::new(&args.api, key.trim())?;
    let progress = Progress::of(args.files.len());
    let mut all_well = true;
    let outcomes = stream::iter(&args.files).map(async |path| {
        let result = one(&client, path, args.wait, &progress).await;
        progress.done();
        (path, result)
    });
    let mut outcomes = pin!(outcomes.buffer_unordered(FILES_AT_ONCE));
    while let Some((path, result)) = outcomes.next().await {
        all_well &= report(path, result, args.json);
    }
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn one(
    client: &Client,
    path: &Path,
    wait: bool,
    progress: &Progress,
) -> anyhow::Result<Outcome> {
    let file_id = send::send(client, path, progress).await?;
    if wait {
        watch::watch(client, &file_id, progress).await
    } else {
        Ok(Outcome::Sent(file_id))
    }
}

fn report(path: &Path, result: anyhow::Result<Outcome>, as_json: bool) -> bool {
    let name = path.display();
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(error) if as_json => {
            println!("{}", json!({ "path": path, "error": format!("{error:#}") }));
            return false;
        }
        Err(error) => {
            eprintln!("{name}: {error:#}");
            return false;
        }
    };
    if as_json {
        println!("{}", outcome.to_json(path));
    } else {
        println!("{name}: {outcome}");
    }
    matches!(outcome, Outcome::Sent(_) | Outcome::Ready(_))
}
