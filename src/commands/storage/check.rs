//! `mediamill storage check`

use std::process::ExitCode;

use reqwest::header::HeaderValue;
use serde_json::json;
use storage::{
    ObjectStore,
    check::{Finding, Outcome},
};

use crate::output::{harmless, note, out, sentence_of};

/// The exit codes as `--help` shows them.
pub const EXIT_CODES: &str = "\
Exit codes: 0 every promise holds, or there is something else instead; 1 the service should not run over this store,
or it could not be asked.";

#[derive(clap::Args)]
pub struct Args {
    /// An origin whose pages are to upload, scheme, host and port
    #[arg(long, value_parser = api::parse_origin)]
    origin: Option<HeaderValue>,
    /// One JSON object a promise on standard output
    #[arg(long)]
    json: bool,
}

pub async fn run(store: &ObjectStore, args: &Args) -> anyhow::Result<ExitCode> {
    let origin = args.origin.as_ref().and_then(|origin| origin.to_str().ok());
    let findings = store.check(origin).await;
    for finding in &findings {
        let (outcome, detail) = words(finding);
        let (name, promise) = (finding.name, finding.promise);
        if args.json {
            out!(
                "{}",
                json!({ "name": name, "promise": promise, "outcome": outcome, "detail": detail })
            )?;
            continue;
        }
        out!("{outcome:<10}  {name}: {promise}")?;
        if let Some(detail) = detail {
            out!("{:<10}  {detail}", "")?;
        }
    }
    let bad = findings.iter().filter(|finding| !finding.is_good()).count();
    if bad == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    note!(
        "mediamill: the object store cannot be relied on: {bad} of {} promises",
        findings.len()
    );
    Ok(ExitCode::FAILURE)
}

/// The stable word for an outcome, and what else is to be said of it.
fn words(finding: &Finding) -> (&'static str, Option<String>) {
    match &finding.outcome {
        Outcome::Holds => ("holds", None),
        Outcome::Instead(instead) => ("not needed", Some((*instead).to_owned())),
        Outcome::Broken => (
            "broken",
            Some("the service must not run over this store".to_owned()),
        ),
        Outcome::Unknown(error) => ("unknown", Some(harmless(&sentence_of(error)))),
    }
}
