//! How old the virus scanner's signatures are: in metrics, and in the log when it matters.

use std::time::Duration;

use chrono::TimeDelta;
use scanner::{ClamdClient, Version};
use tokio::time::{Instant, timeout};

use crate::clock;

/// Time between two looks, which cost next to nothing: no more than monitors leave between two of theirs.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// `ClamAV` publishes new ones daily; its own tools complain after as many days.
const OLD: TimeDelta = TimeDelta::days(7);
/// Between two lines in the log about the same.
const TELL_EVERY: Duration = Duration::from_hours(1);

/// Looks at the scanner for as long as the process lives.
pub async fn watch(client: ClamdClient) {
    let mut told: Option<Instant> = None;
    loop {
        let version = timeout(PATIENCE, client.version()).await;
        let version = version.ok().and_then(Result::ok);
        let up = if version.is_some() { 1.0 } else { 0.0 };
        metrics::gauge!("mediamill_scanner_up").set(up);
        if let Some(version) = version {
            record(&version);
            if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
                told = Some(Instant::now());
                tell(&version);
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn record(version: &Version) {
    let age = age(version);
    let seconds = age.map_or(f64::INFINITY, TimeDelta::as_seconds_f64);
    metrics::gauge!("mediamill_scanner_signatures_age_seconds").set(seconds);
}

fn age(version: &Version) -> Option<TimeDelta> {
    version
        .signatures
        .map(|signatures| signatures.age(clock::now()))
}

fn tell(version: &Version) {
    match age(version) {
        None => tracing::warn!(
            scanner.version = %version,
            "THE VIRUS SCANNER HAS NO OFFICIAL SIGNATURES: nearly all malware passes as clean; run freshclam, or set \
             MEDIAMILL_REQUIRE_SIGNATURES=true to refuse to work like this"
        ),
        Some(age) if age > OLD => tracing::warn!(
            scanner.version = %version,
            scanner.signatures_age_days = age.num_days(),
            "the virus scanner's signatures are old; is freshclam running?"
        ),
        Some(age) => tracing::info!(
            scanner.version = %version,
            scanner.signatures_age_hours = age.num_hours(),
            "virus scanner"
        ),
    }
}
