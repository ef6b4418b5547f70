//! Which dead letters an action is about. Re-drives of many keep it in their rows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::define::ids::Fingerprint;

/// Which letters. What is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LetterFilter {
    /// Name of the workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// Name of the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The kind of error: [`DeadLetter::fingerprint`](crate::admin::dead_letters::DeadLetter::fingerprint).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// Fairness key of the run. It is `owner` where filters are stored.
    #[serde(default, rename = "owner", skip_serializing_if = "Option::is_none")]
    pub fairness_key: Option<String>,
    /// Died before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died_before: Option<DateTime<Utc>>,
    /// Died at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died_since: Option<DateTime<Utc>>,
}
