//! Sets the buckets up: makes them where they are missing, lets pages send to staging, and asks the store to give up
//! uploads that everybody has forgotten.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, CorsConfiguration, CorsRule,
    ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
};

use super::{Bucket, ObjectStore, StorageError, check};

/// How long the store keeps parts of uploads that nobody completed: longer than any upload may last. Upkeep gives them
/// up when their time is over; this is for those that no database knows.
const ABORT_AFTER_DAYS: i32 = 31;
/// How long browsers remember that they may send.
const PREFLIGHT_SECONDS: i32 = 3600;

/// Names of our rules.
const CORS_RULE: &str = "mediamill";
const FORGOTTEN_RULE: &str = "mediamill: forgotten uploads";
const CHECKS_RULE: &str = "mediamill: checks";

/// What became of a step of the set-up.
#[derive(Debug)]
pub enum SetupOutcome {
    /// It is as it should be now.
    Done,
    /// The store has no such thing, or does not let this key do it.
    Refused(StorageError),
}

/// One step of the set-up.
#[derive(Debug)]
pub struct Setup {
    /// Stable name, for scripts.
    pub name: &'static str,
    /// What was set up, as a sentence.
    pub what: &'static str,
    /// What became of it.
    pub outcome: SetupOutcome,
}

impl ObjectStore {
    /// Sets the buckets up for pages of these origins. Rules of others stay: only those with our names are replaced.
    ///
    /// # Errors
    /// When the buckets are missing and cannot be made; everything behind that is a step that may be refused.
    pub async fn set_up(&self, origins: &[String]) -> Result<Vec<Setup>, StorageError> {
        self.ensure_buckets().await?;
        let mut steps = vec![Setup {
            name: "buckets",
            what: "both buckets are there",
            outcome: SetupOutcome::Done,
        }];
        if !origins.is_empty() {
            steps.push(Setup {
                name: "cors",
                what: "pages of the origins may send to staging and read the ETag",
                outcome: outcome(self.allow_origins(origins).await),
            });
        }
        steps.push(Setup {
            name: "lifecycle",
            what: "parts that nobody completed go after 31 days, and what checks left after 1",
            outcome: outcome(self.expire_all_leftovers().await),
        });
        Ok(steps)
    }

    /// Lets pages of these origins upload and read entity tags (S3: `API_PutBucketCors`).
    async fn allow_origins(&self, origins: &[String]) -> Result<(), StorageError> {
        const OPERATION: &str = "PutBucketCors";
        let there = self.client.get_bucket_cors();
        let there = there.bucket(self.bucket_name(Bucket::Staging)).send().await;
        let there = or_none("GetBucketCors", there)?;
        let mut rules = there.and_then(|rules| rules.cors_rules).unwrap_or_default();
        rules.retain(|rule| rule.id.as_deref() != Some(CORS_RULE));
        let rule = CorsRule::builder()
            .id(CORS_RULE)
            .set_allowed_origins(Some(origins.to_vec()))
            .allowed_methods("PUT")
            .allowed_methods("POST")
            .allowed_headers("*")
            .expose_headers("ETag")
            .max_age_seconds(PREFLIGHT_SECONDS)
            .build()
            .map_err(StorageError::protocol(OPERATION))?;
        rules.push(rule);
        let rules = CorsConfiguration::builder().set_cors_rules(Some(rules));
        let rules = rules.build();
        let rules = rules.map_err(StorageError::protocol(OPERATION))?;
        let put = self
            .client
            .put_bucket_cors()
            .bucket(self.bucket_name(Bucket::Staging))
            .cors_configuration(rules);
        let answer = put.send().await;
        answer.map_err(|error| StorageError::from_sdk(OPERATION, error))?;
        Ok(())
    }

    async fn expire_all_leftovers(&self) -> Result<(), StorageError> {
        self.expire_leftovers(Bucket::Staging).await?;
        self.expire_leftovers(Bucket::Origin).await
    }

    /// Has the store itself end what was left behind (S3: `API_PutBucketLifecycleConfiguration`).
    async fn expire_leftovers(&self, bucket: Bucket) -> Result<(), StorageError> {
        const OPERATION: &str = "PutBucketLifecycleConfiguration";
        let there = self.client.get_bucket_lifecycle_configuration();
        let there = there.bucket(self.bucket_name(bucket)).send().await;
        let there = or_none("GetBucketLifecycleConfiguration", there)?;
        let mut rules = there.and_then(|rules| rules.rules).unwrap_or_default();
        rules.retain(|rule| {
            ![FORGOTTEN_RULE, CHECKS_RULE]
                .map(Some)
                .contains(&rule.id.as_deref())
        });
        let abort = AbortIncompleteMultipartUpload::builder()
            .days_after_initiation(ABORT_AFTER_DAYS)
            .build();
        let everything = LifecycleRuleFilter::builder().prefix("").build();
        let forgotten = LifecycleRule::builder()
            .id(FORGOTTEN_RULE)
            .status(ExpirationStatus::Enabled)
            .filter(everything)
            .abort_incomplete_multipart_upload(abort)
            .build();
        let checks = LifecycleRuleFilter::builder().prefix(check::PREFIX).build();
        let checks = LifecycleRule::builder()
            .id(CHECKS_RULE)
            .status(ExpirationStatus::Enabled)
            .filter(checks)
            .expiration(LifecycleExpiration::builder().days(1).build())
            .build();
        for rule in [forgotten, checks] {
            rules.push(rule.map_err(StorageError::protocol(OPERATION))?);
        }
        let rules = BucketLifecycleConfiguration::builder()
            .set_rules(Some(rules))
            .build()
            .map_err(StorageError::protocol(OPERATION))?;
        let put = self
            .client
            .put_bucket_lifecycle_configuration()
            .bucket(self.bucket_name(bucket))
            .lifecycle_configuration(rules);
        let answer = put.send().await;
        answer.map_err(|error| StorageError::from_sdk(OPERATION, error))?;
        Ok(())
    }
}

/// The rules of a bucket, where it has any.
fn or_none<T, E>(
    operation: &'static str,
    answer: Result<T, SdkError<E, HttpResponse>>,
) -> Result<Option<T>, StorageError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    const NONE: [&str; 2] = ["NoSuchCORSConfiguration", "NoSuchLifecycleConfiguration"];
    match answer.map_err(|error| StorageError::from_sdk(operation, error)) {
        Ok(rules) => Ok(Some(rules)),
        Err(StorageError::Refused { code, .. }) if NONE.contains(&code.as_str()) => Ok(None),
        Err(error) => Err(error),
    }
}

fn outcome(done: Result<(), StorageError>) -> SetupOutcome {
    match done {
        Ok(()) => SetupOutcome::Done,
        Err(error) => SetupOutcome::Refused(error),
    }
}
