//! Follows one file until it is READY or REJECTED, or its run is dead.

use std::{fmt, path::Path, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};

use super::{client::Client, progress::Progress};

/// How far a file got.
pub enum Outcome {
    /// The service has it.
    Sent(String),
    /// With its variants.
    Ready(Value),
    /// With code and reason.
    Rejected(Value),
    /// An operator has to look.
    Dead(Value),
}

pub async fn watch(client: &Client, file_id: &str, progress: &Progress) -> anyhow::Result<Outcome> {
    let path = format!("/v1/files/{file_id}");
    let mut interval = Duration::from_millis(50);
    loop {
        let file: Value = client.call(Method::GET, &path, None, None).await?;
        match file["status"].as_str() {
            Some("READY") => return Ok(Outcome::Ready(file)),
            Some("REJECTED") => return Ok(Outcome::Rejected(file)),
            _ if file["run"]["state"] == "dead" => return Ok(Outcome::Dead(file)),
            status => progress.status(status.unwrap_or_default()),
        }
        tokio::time::sleep(interval).await;
        interval = (interval * 3 / 2).min(Duration::from_secs(2));
    }
}

impl Outcome {
    pub fn to_json(&self, path: &Path) -> Value {
        match self {
            Self::Sent(file_id) => json!({ "path": path, "file_id": file_id }),
            Self::Ready(file) | Self::Rejected(file) | Self::Dead(file) => {
                json!({ "path": path, "file_id": file["file_id"], "file": file })
            }
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent(file_id) => write!(f, "sent, file {file_id}"),
            Self::Ready(file) => {
                write!(f, "READY")?;
                for variant in file["variants"].as_array().into_iter().flatten() {
                    let url = variant["url"].as_str().unwrap_or_default();
                    let kind = variant["kind"].as_str().unwrap_or_default();
                    write!(
                        f,
                        "\n  {kind} {}x{} {url}",
                        variant["width"], variant["height"]
                    )?;
                }
                Ok(())
            }
            Self::Rejected(file) => {
                let rejection = &file["rejection"];
                let text = |name| rejection[name].as_str().unwrap_or_default();
                write!(f, "REJECTED {}: {}", text("code"), text("message"))?;
                if let (Some(limit), Some(measured)) =
                    (rejection["limit"].as_str(), rejection["measured"].as_str())
                {
                    write!(f, " ({measured}; allowed: {limit})")?;
                }
                Ok(())
            }
            Self::Dead(file) => write!(
                f,
                "stopped: run {} used up its attempts and waits for an operator",
                file["run"]["run_id"].as_str().unwrap_or_default()
            ),
        }
    }
}
