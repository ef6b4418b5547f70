//! The API as the uploader uses it. An error carries the service's own words.

use std::{sync::atomic::AtomicU32, time::Duration};

use anyhow::{Context, bail, ensure};
use backon::{ExponentialBuilder, Retryable};
use reqwest::{
    Method, StatusCode, Url,
    header::{self, HeaderMap, HeaderValue},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::{exit::Failure, progress::Progress};

/// Requests to one API with one key.
pub struct Client<'a> {
    http: reqwest::Client,
    /// For bytes: a slow line may take its time, within what [`sending`] allows.
    pub bytes: reqwest::Client,
    /// One for each part that may be in flight, of whatever file. They are given in the order they were asked for, so
    /// a large file holds up no small ones.
    pub in_flight: Semaphore,
    /// How many there are of them.
    pub parallel: usize,
    /// How many files are waited for at this moment.
    pub followed: AtomicU32,
    pub base: String,
    key: String,
    pub progress: &'a Progress,
}

/// A refusal by the service, in its own words.
#[derive(Debug, thiserror::Error)]
#[error("{words}")]
pub struct Refusal {
    pub status: StatusCode,
    /// The stable name of the cause.
    pub code: Option<String>,
    /// The file of an upload that is complete, if it says so.
    pub file_id: Option<String>,
    words: String,
}

#[derive(Default, Deserialize)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
    code: Option<String>,
    file_id: Option<String>,
}

/// The service or the way to it is unwell; the same request may work in a moment.
#[derive(Debug, thiserror::Error)]
#[error("{words}")]
pub struct Unwell {
    words: String,
    /// When it asked to be asked again.
    retry_after: Option<Duration>,
}

impl From<String> for Unwell {
    fn from(words: String) -> Self {
        let retry_after = None;
        Self { words, retry_after }
    }
}

impl<'a> Client<'a> {
    pub fn new(
        api: &str,
        key: &str,
        parallel: usize,
        progress: &'a Progress,
    ) -> anyhow::Result<Self> {
        let url = Url::parse(api)
            .ok()
            .filter(|url| ["http", "https"].contains(&url.scheme()));
        ensure!(
            url.is_some(),
            "the API's address {api:?} does not begin with http:// or https://"
        );
        ensure!(
            HeaderValue::from_str(key).is_ok(),
            "the API key has characters in it, or line ends, that no key has"
        );
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
            in_flight: Semaphore::new(parallel),
            parallel,
            followed: AtomicU32::new(0),
            base: api.trim_end_matches('/').to_owned(),
            key: key.to_owned(),
            progress,
        })
    }

    /// Finds out within seconds whether anybody is there, and whether it is us.
    pub async fn greet(&self) -> anyhow::Result<()> {
        let greeting = || async {
            let url = format!("{}/v1/livez", self.base);
            let request = self.http.get(url).timeout(Duration::from_secs(5));
            let answer = request
                .send()
                .await
                .map_err(|error| self.unreachable(&error))?;
            let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
            let ours = serde_json::from_str::<Value>(&text)
                .is_ok_and(|body| body["status"] == "ok" || body["code"].is_string());
            let base = &self.base;
            let stranger =
                || format!("{base} does not seem to be a mediamill API: it answered {status}");
            if !ours && status.is_server_error() {
                // Perhaps a proxy in front of one that is just starting.
                bail!(Unwell::from(stranger()));
            }
            ensure!(ours, stranger());
            Ok(())
        };
        let few = ExponentialBuilder::default().with_max_times(2);
        greeting.retry(few).when(anyhow::Error::is::<Unwell>).await
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
        let once = || async {
            let text = self
                .once(method.clone(), path, body, idempotency_key)
                .await?;
            let text = if text.is_empty() { "null" } else { &text };
            serde_json::from_str(text).context("the API's answer cannot be read")
        };
        once.retry(patience())
            .when(anyhow::Error::is::<Unwell>)
            .adjust(as_asked)
            .notify(|error, wait| self.again(error, wait))
            .await
    }

    /// Says that something is tried again.
    pub fn again(&self, error: &anyhow::Error, wait: Duration) {
        self.progress.say(format_args!(
            "{error}; trying again in {:.1} s",
            wait.as_secs_f64()
        ));
    }

    async fn once(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> anyhow::Result<String> {
        let url = format!("{}{path}", self.base);
        let mut request = self.http.request(method, &url).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        let response = request
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let text = response
            .text()
            .await
            .map_err(|error| self.unreachable(&error))?;
        if status.is_success() {
            return Ok(text);
        }
        let refusal = Refusal::new(status, &text);
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            bail!(Unwell {
                words: refusal.words,
                retry_after
            });
        }
        bail!(refusal)
    }

    fn unreachable(&self, error: &reqwest::Error) -> Unwell {
        Unwell::from(format!("cannot reach {}: {}", self.base, innermost(error)))
    }
}

impl Refusal {
    fn new(status: StatusCode, text: &str) -> Self {
        let problem: Problem = serde_json::from_str(text).unwrap_or_default();
        let what = problem.detail.or(problem.title);
        let what = what.unwrap_or_else(|| format!("the API answered {status}"));
        Self {
            status,
            words: match &problem.code {
                Some(code) => format!("{what} ({code})"),
                None => what,
            },
            code: problem.code,
            file_id: problem.file_id,
        }
    }
}

/// What an error means for the exit code.
pub fn failure(error: &anyhow::Error) -> Failure {
    match error.downcast_ref::<Refusal>() {
        Some(refusal) if [401, 403].contains(&refusal.status.as_u16()) => Failure::Key,
        Some(_) => Failure::Refused,
        None if error.is::<Unwell>() => Failure::Unreachable,
        None => Failure::Other,
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

/// What the other side asked for, if it is longer and no more than a minute.
fn as_asked(error: &anyhow::Error, wait: Option<Duration>) -> Option<Duration> {
    let asked = error
        .downcast_ref::<Unwell>()
        .and_then(|unwell| unwell.retry_after);
    Some(wait?.max(asked.unwrap_or_default().min(Duration::from_mins(1))))
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

/// The last cause says what is wrong; the first only says that something is.
pub fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
