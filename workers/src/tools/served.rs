//! What is played, as it lies in the bucket, read as a player reads it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use futures::TryStreamExt as _;
use media::{ObjectKey, conformance};
use storage::{Bucket, ObjectStore, StorageError};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use video::gate::{Outputs, Report, Severity};
use workflows::{Attempt, NextOnError, StepError};

use super::Context;
use crate::errors;

/// The largest object that is read, in bytes: a segment at ten times the highest bitrate.
const MOST_BYTES: u64 = 64 << 20;

/// Has `check` hold what lies below `prefix`, and what it leads to, against the rules. One object is in memory at a time.
pub(crate) async fn checked(
    cx: &Attempt<Context>,
    prefix: &ObjectKey,
    check: impl FnOnce(&Served) -> Report + Send + 'static,
) -> Result<Result<conformance::Report, Broken>, StepError> {
    let outage = Arc::new(Mutex::new(None));
    let served = Served {
        store: cx.context.store.clone(),
        prefix: prefix.to_string(),
        runtime: Handle::current(),
        outage: outage.clone(),
        cancelled: cx.cancelled.clone(),
    };
    let report = tokio::task::spawn_blocking(move || check(&served));
    let report = report.await.or_retry()?;
    let outage = outage.lock().unwrap_or_else(PoisonError::into_inner).take();
    match outage {
        // What could not be read says nothing about what was made.
        Some(error) => Err(errors::storage(error)),
        None if cx.cancelled.is_cancelled() => Err(GivenUp).or_retry(),
        None => match passed(&report) {
            Ok(()) => {
                let report = serde_json::to_value(report).and_then(serde_json::from_value);
                Ok(Ok(report.or_fail()?))
            }
            Err(broken) => Ok(Err(broken)),
        },
    }
}

/// What breaks rules of HLS may not be served.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{count} rules are broken, the first being {first}")]
pub(crate) struct Broken {
    /// How many findings there are.
    count: usize,
    /// One of them in words.
    first: String,
}

fn passed(report: &Report) -> Result<(), Broken> {
    let errors = report.findings.iter();
    let mut errors = errors.filter(|finding| finding.severity == Severity::Error);
    let Some(first) = errors.next() else {
        return Ok(());
    };
    Err(Broken {
        count: 1 + errors.count(),
        first: format!(
            "{:?} in {}: {} where {} should be",
            first.rule, first.file, first.found, first.expected
        ),
    })
}

#[derive(Debug, thiserror::Error)]
#[error("the attempt was given up")]
struct GivenUp;

/// The bucket, as the gate asks for files.
pub(crate) struct Served {
    store: ObjectStore,
    prefix: String,
    runtime: Handle,
    outage: Arc<Mutex<Option<StorageError>>>,
    cancelled: CancellationToken,
}

impl Served {
    fn ask<T>(&self, answer: impl Future<Output = Result<T, StorageError>>) -> io::Result<T> {
        if self.cancelled.is_cancelled() {
            return Err(io::Error::other("given up"));
        }
        self.runtime.block_on(answer).map_err(|error| {
            if matches!(error, StorageError::NotFound) {
                return io::ErrorKind::NotFound.into();
            }
            let told = io::Error::other(error.to_string());
            *self.outage.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            told
        })
    }
}

impl Outputs for Served {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let key = resolve(&self.prefix, name)?;
        self.ask(async {
            let object = self.store.get(Bucket::Origin, &key, None).await?;
            if object.info.size_bytes > MOST_BYTES {
                return Ok(Err(io::Error::other("a file that is too large")));
            }
            let mut body = object.body;
            let mut bytes = Vec::new();
            while let Some(chunk) = body.try_next().await? {
                bytes.extend_from_slice(&chunk);
            }
            Ok(Ok(bytes))
        })?
    }

    fn media_type(&self, name: &str) -> Option<String> {
        let key = resolve(&self.prefix, name).ok()?;
        let object = self.ask(self.store.head(Bucket::Origin, &key)).ok()?;
        object?.content_type
    }
}

/// The key that `name` leads to from `prefix`, as players find it (RFC 3986 §5.2.4); no further up than to other
/// attempts at the same film.
pub(crate) fn resolve(prefix: &str, name: &str) -> io::Result<ObjectKey> {
    let elsewhere = || io::Error::other("a name that leads elsewhere");
    let mut parts: Vec<_> = prefix.trim_end_matches('/').split('/').collect();
    let floor = parts.len().saturating_sub(1);
    for part in name.split('/') {
        match part {
            ".." if parts.len() > floor => drop(parts.pop()),
            "" | "." | ".." => return Err(elsewhere()),
            part => parts.push(part),
        }
    }
    ObjectKey::new(parts.join("/")).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use video::gate::{Report, Severity};

    use super::{passed, resolve};

    #[test]
    fn names_lead_to_other_attempts_and_no_further() {
        let key = |name| {
            resolve("media/a/b/7/", name)
                .map(|key| key.to_string())
                .ok()
        };
        assert_eq!(
            key("master.m3u8").as_deref(),
            Some("media/a/b/7/master.m3u8")
        );
        assert_eq!(
            key("720p/../../5/720p/00000.m4s").as_deref(),
            Some("media/a/b/5/720p/00000.m4s")
        );
        for name in ["../../x", "720p/../../../x", "a//b", "./a"] {
            assert_eq!(key(name), None, "{name}");
        }
    }

    #[test]
    fn a_report_with_an_error_names_the_rule() {
        let mut report: Report = serde_json::from_str(
            r#"{"findings": [{"rule": "peak", "severity": "warning", "file": "a", "expected": "b", "found": "c"}],
                "unchecked": [], "playlists": 1, "segments": 1, "bytes": 1}"#,
        )
        .unwrap();
        assert_eq!(passed(&report), Ok(()));
        let mut worse = report.findings[0].clone();
        worse.severity = Severity::Error;
        report.findings.push(worse);
        let refused = passed(&report).unwrap_err().to_string();
        assert!(
            refused.contains("Peak in a: c where b should be"),
            "{refused}"
        );
    }
}
