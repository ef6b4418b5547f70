//! Follows one file until nothing more is to be waited for.

use std::{
    fmt,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    client::Client,
    exit::Failure,
    progress::{Progress, Status},
};
use crate::output::harmless;

/// Between two looks at any of the files that are followed: asking must not take the service's time from working on them.
const PAUSE_PER_FILE: Duration = Duration::from_millis(25);
/// Between two looks at one file.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How far a file got.
pub enum Outcome {
    /// The service has it, perhaps by an earlier command.
    Sent { file_id: String, before: bool },
    /// With its variants.
    Ready(Value),
    /// With code and reason.
    Rejected(Value),
    /// An operator has to look.
    Stopped(Value),
}

pub async fn watch(
    client: &Client<'_>,
    path: &Path,
    file_id: &str,
    progress: &Progress,
) -> anyhow::Result<Outcome> {
    let resource = format!("/v1/files/{file_id}");
    let began = Instant::now();
    let followed = Followed::one_more(&client.followed);
    loop {
        let file: Value = client.call(Method::GET, &resource, None, None).await?;
        match file["outcome"].as_str() {
            Some("ready") => return Ok(Outcome::Ready(file)),
            Some("rejected") => return Ok(Outcome::Rejected(file)),
            _ if file["final"] == true => return Ok(Outcome::Stopped(file)),
            _ => progress.status(path, status(&file)),
        }
        // The longer it takes, the less a moment matters.
        let pause = (began.elapsed() / 16).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        tokio::time::sleep(pause.max(PAUSE_PER_FILE * followed.count())).await;
    }
}

/// Counts a file among those that are followed, for as long as it lives.
struct Followed<'a>(&'a AtomicU32);

impl<'a> Followed<'a> {
    fn one_more(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }

    fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Followed<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the service does with a file, and how much of it in percent.
fn status(file: &Value) -> Status {
    Status {
        words: file["status"].as_str().unwrap_or_default().to_owned(),
        percent: file["progress"].as_u64().unwrap_or_default(),
    }
}

impl Outcome {
    /// What it means for the exit code.
    pub fn failure(&self) -> Option<Failure> {
        match self {
            Self::Sent { .. } | Self::Ready(_) => None,
            Self::Rejected(_) => Some(Failure::Refused),
            Self::Stopped(_) => Some(Failure::Other),
        }
    }

    /// A name that is not Unicode is told as far as it can be.
    pub fn to_json(&self, path: &Path) -> Value {
        let path = path.to_string_lossy();
        match self {
            Self::Sent { file_id, .. } => json!({ "path": path, "file_id": file_id }),
            Self::Ready(file) | Self::Rejected(file) | Self::Stopped(file) => {
                json!({ "path": path, "file_id": file["file_id"], "file": file })
            }
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent { file_id, before } => {
                let when = if *before { "was sent before" } else { "sent" };
                write!(f, "{when}, file {file_id}")
            }
            Self::Ready(file) => {
                write!(f, "READY")?;
                for variant in file["variants"].as_array().into_iter().flatten() {
                    let url = variant["url"].as_str().unwrap_or_default();
                    let kind = variant["kind"].as_str().unwrap_or_default();
                    write!(f, "\n  {kind} ")?;
                    if let Some(page) = variant["page"].as_u64() {
                        write!(f, "{page} ")?;
                    }
                    if let (Some(width), Some(height)) =
                        (variant["width"].as_u64(), variant["height"].as_u64())
                    {
                        write!(f, "{width}x{height} ")?;
                    }
                    write!(f, "{url}")?;
                }
                Ok(())
            }
            Self::Rejected(file) => {
                let rejection = &file["rejection"];
                let text = |name| harmless(rejection[name].as_str().unwrap_or_default());
                write!(f, "REJECTED {}: {}", text("code"), text("message"))?;
                if let (Some(limit), Some(measured)) =
                    (rejection["limit"].as_str(), rejection["measured"].as_str())
                {
                    let (measured, limit) = (harmless(measured), harmless(limit));
                    write!(f, " ({measured}; allowed: {limit})")?;
                }
                Ok(())
            }
            Self::Stopped(file) => write!(
                f,
                "{}: ask an operator about run {}",
                file["outcome"].as_str().unwrap_or("stopped"),
                file["run"]["run_id"].as_str().unwrap_or_default(),
            ),
        }
    }
}
