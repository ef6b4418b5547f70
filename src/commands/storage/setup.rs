//! `mediamill storage setup`

use std::process::ExitCode;

use anyhow::Context;
use reqwest::header::HeaderValue;
use serde_json::json;
use storage::{ObjectStore, SetupOutcome};

use crate::output::{harmless, out, sentence_of};

#[derive(clap::Args)]
pub struct Args {
    /// An origin whose pages may send to the staging bucket, scheme, host and port; may be given several times
    #[arg(long = "origin", value_parser = api::parse_origin)]
    origins: Vec<HeaderValue>,
    /// One JSON object a step on standard output
    #[arg(long)]
    json: bool,
}

/// A step that the store refuses is no failure: what it would have set up can often be set up elsewhere.
pub async fn run(store: &ObjectStore, args: &Args) -> anyhow::Result<ExitCode> {
    let origins = args
        .origins
        .iter()
        .filter_map(|origin| origin.to_str().ok());
    let origins: Vec<_> = origins.map(ToOwned::to_owned).collect();
    let steps = store
        .set_up(&origins)
        .await
        .context("cannot make the buckets")?;
    for step in steps {
        let refused = match &step.outcome {
            SetupOutcome::Done => None,
            SetupOutcome::Refused(error) => Some(harmless(&sentence_of(error))),
        };
        if args.json {
            out!(
                "{}",
                json!({ "name": step.name, "what": step.what, "refused": refused })
            )?;
        } else if let Some(refused) = refused {
            out!("{}: not done: {refused}", step.what)?;
        } else {
            out!("{}", step.what)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
