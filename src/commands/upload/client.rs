//! The API as the uploader uses it. An error carries the service's own words.

use std::time::Duration;

use anyhow::{Context, bail};
use backon::{ExponentialBuilder, Retryable};
use reqwest::{Method, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// Requests to one API with one key.
pub struct Client {
    http: reqwest::Client,
    /// For bytes: a slow line may take its time, within what [`sending`] allows.
    pub bytes: reqwest::Client,
    base: String,
    key: String,
}

#[derive(Deserialize)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
    code: Option<String>,
}

/// The service or the way to it is unwell; the same request may work in a moment.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unwell(String);

impl Client {
    pub fn new(api: &str, key: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_mins(1))
            .build()?;
        let bytes = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .build()?;
        Ok(Self {
            bytes,
            http,
            base: api.trim_end_matches('/').to_owned(),
            key: key.to_owned(),
        })
    }

    /// Sends JSON and reads JSON, with a few tries when the service is unwell. Every request of
    /// ours may be repeated: the one that creates something carries an idempotency key.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> anyhow::Result<T> {
        let once = || self.once(method.clone(), path, body, idempotency_key);
        once.retry(patience())
            .when(anyhow::Error::is::<Unwell>)
            .await
    }

    async fn once<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> anyhow::Result<T> {
        let url = format!("{}{path}", self.base);
        let mut request = self.http.request(method, &url).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => bail!(Unwell(format!(
                "cannot reach {}: {}",
                self.base,
                innermost(&error)
            ))),
        };
        let status = response.status();
        if status.is_success() {
            return response
                .json()
                .await
                .context("the API's answer cannot be read");
        }
        let text = response.text().await.unwrap_or_default();
        let words = words(status, &text);
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            bail!(Unwell(words));
        }
        bail!(words)
    }
}

/// How long so many bytes may take: 16 KiB a second and a minute.
pub fn sending(bytes: u64) -> Duration {
    Duration::from_secs(60 + bytes / (16 << 10))
}

/// Up to about half a minute in all.
pub fn patience() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(Duration::from_secs(8))
        .with_max_times(7)
        .with_jitter()
}

fn words(status: StatusCode, text: &str) -> String {
    let Ok(problem) = serde_json::from_str::<Problem>(text) else {
        return format!("the API answered {status}");
    };
    let what = problem
        .detail
        .or(problem.title)
        .unwrap_or_else(|| status.to_string());
    match problem.code {
        Some(code) => format!("{what} ({code})"),
        None => what,
    }
}

/// The last cause says what is wrong; the first only says that something is.
pub fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
