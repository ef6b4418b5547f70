//! Finds out what the store really does, instead of believing its name: every promise that the service rests on is
//! tried on the configured buckets, below a prefix of its own that is cleared afterwards.
//!
//! A promise that is required and does not hold is a reason not to run over this store. For every other one there is
//! something that is done instead, and the finding names it.

mod forms;
mod objects;
mod signed;
mod uploads;

use uuid::Uuid;

use super::{Bucket, ObjectKey, ObjectStore, StorageError};

/// Staging and origin: prefix of what checks write. What a check that was interrupted left behind lies here.
pub const PREFIX: &str = "checks/";

/// What became of a promise.
#[derive(Debug)]
pub enum Outcome {
    /// It holds.
    Holds,
    /// It does not hold, and this is done instead.
    Instead(&'static str),
    /// It does not hold, and the service cannot do without it.
    Broken,
    /// It could not be tried.
    Unknown(StorageError),
}

/// A promise, and what became of it.
#[derive(Debug)]
pub struct Finding {
    /// Stable name, for scripts.
    pub name: &'static str,
    /// What the store should do, as a sentence.
    pub promise: &'static str,
    /// What it does.
    pub outcome: Outcome,
}

impl Finding {
    /// Whether the service can run over the store, as far as this promise goes.
    pub fn is_good(&self) -> bool {
        matches!(self.outcome, Outcome::Holds | Outcome::Instead(_))
    }
}

/// Whether a promise holds.
type Tried = Result<bool, StorageError>;

/// One run of all checks.
struct Checks<'a> {
    store: &'a ObjectStore,
    http: reqwest::Client,
    prefix: ObjectKey,
    findings: Vec<Finding>,
}

impl ObjectStore {
    /// Tries every promise on the configured buckets: about 80 requests and 5 MiB. With an origin, such as
    /// `https://app.example.com`, also whether pages of it may send to the bucket.
    pub async fn check(&self, origin: Option<&str>) -> Vec<Finding> {
        let mut checks = Checks {
            store: self,
            http: signed::http(),
            prefix: key(format!("{PREFIX}{}/", Uuid::now_v7())),
            findings: Vec::new(),
        };
        Box::pin(checks.buckets()).await;
        // A bucket that cannot even be written and read says nothing about the rest.
        if checks.findings.iter().all(Finding::is_good) {
            Box::pin(checks.objects()).await;
            Box::pin(checks.signed(origin)).await;
            Box::pin(checks.forms()).await;
            Box::pin(checks.uploads()).await;
        }
        for bucket in [Bucket::Staging, Bucket::Origin] {
            if let Err(error) = self.delete_below(bucket, &checks.prefix).await {
                tracing::warn!(storage.prefix = %checks.prefix, %error, "could not delete what a check left");
            }
        }
        checks.findings
    }
}

impl Checks<'_> {
    /// Notes what the service cannot do without.
    fn require(&mut self, name: &'static str, promise: &'static str, tried: Tried) {
        self.found(name, promise, tried, Outcome::Broken);
    }

    /// Notes what there is something else for.
    fn prefer(
        &mut self,
        name: &'static str,
        promise: &'static str,
        instead: &'static str,
        tried: Tried,
    ) {
        let outcome = Outcome::Instead(instead);
        // Many stores refuse what they do not know.
        let tried = match tried {
            Err(StorageError::Refused { .. } | StorageError::Protocol { .. }) => Ok(false),
            tried => tried,
        };
        self.found(name, promise, tried, outcome);
    }

    fn found(&mut self, name: &'static str, promise: &'static str, tried: Tried, not: Outcome) {
        let outcome = match tried {
            Ok(true) => Outcome::Holds,
            Ok(false) => not,
            Err(error) => Outcome::Unknown(error),
        };
        self.findings.push(Finding {
            name,
            promise,
            outcome,
        });
    }

    /// A key of this run.
    fn key(&self, name: &str) -> ObjectKey {
        key(format!("{}{name}", self.prefix))
    }
}

fn key(text: String) -> ObjectKey {
    ObjectKey::new(text).expect("a prefix, an id and fixed letters are a key")
}
