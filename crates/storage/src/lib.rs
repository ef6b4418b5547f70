//! Object storage: the one place that speaks S3.
//!
//! An [`ObjectStore`] knows two private buckets. Clients write to *staging* through signed URLs; the CDN reads from
//! *origin*. Bytes of uploads never pass through this process, only signatures and metadata do; workers read with
//! [`ObjectStore::get`] and publish with [`ObjectStore::put_file`] or [`ObjectStore::copy`].
//!
//! What this is not: it does not choose keys (`media::keys` does: they are made of what the domain knows), it does not retry beyond the few quick
//! attempts of the SDK (the workflow engine does, see [`StorageError::is_transient`]), and it builds no lock on
//! conditional writes, because some stores accept `If-None-Match: *` and overwrite.

pub mod check;
mod client;
mod config;
mod copy;
mod error;
mod form;
mod join;
mod list;
mod multipart;
mod objects;
mod presign;
mod proof;
mod remove;
mod setup;
mod sign;

#[cfg(test)]
mod tests;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

pub use self::config::StorageConfig;
pub use self::error::StorageError;
pub use self::form::{FormPolicy, SignedForm};
pub use self::list::{ListedObject, OpenUpload};
pub use self::objects::{ByteRange, Object, ObjectInfo};
pub use self::presign::PresignedRequest;
pub use self::setup::{Setup, SetupOutcome};
pub use media::buckets::Bucket;
pub use media::uploads::Part;
pub use media::{InvalidObjectKey, ObjectKey};

/// `Cache-Control` of objects that never change under their key.
pub const CACHE_FOR_EVER: &str = "public, max-age=31536000, immutable";

/// A handle on the staging and origin buckets. Cheap to clone; clones share one connection pool.
#[derive(Clone, Debug)]
pub struct ObjectStore {
    client: Client,
    /// Signs URLs for the host that clients see, which may differ from the host this process talks to.
    presigner: Client,
    staging_bucket: String,
    origin_bucket: String,
    region: String,
    signer: sign::Signer,
}

impl ObjectStore {
    /// Makes a client. Nothing is sent yet.
    pub fn new(config: &StorageConfig) -> Self {
        let public_endpoint = config.public_endpoint.as_ref().or(config.endpoint.as_ref());
        Self {
            client: client::build(config, config.endpoint.as_ref()),
            presigner: client::build(config, public_endpoint),
            staging_bucket: config.staging_bucket.clone(),
            origin_bucket: config.origin_bucket.clone(),
            region: config.region.clone(),
            signer: sign::Signer::new(config),
        }
    }

    /// Creates the two buckets where they are missing. New S3 buckets are private, so neither gets a policy.
    pub async fn ensure_buckets(&self) -> Result<(), StorageError> {
        for bucket in [&self.staging_bucket, &self.origin_bucket] {
            self.ensure_bucket(bucket).await?;
        }
        Ok(())
    }

    async fn ensure_bucket(&self, bucket: &str) -> Result<(), StorageError> {
        match self.client.head_bucket().bucket(bucket).send().await {
            Ok(_) => return Ok(()),
            Err(error) => match StorageError::from_sdk("HeadBucket", error) {
                StorageError::NotFound => {}
                other => return Err(other),
            },
        }
        let mut request = self.client.create_bucket().bucket(bucket);
        // S3 refuses us-east-1 as an explicit location: it is the default (API_CreateBucket).
        if self.region != "us-east-1" {
            let location = BucketLocationConstraint::from(self.region.as_str());
            let configuration = CreateBucketConfiguration::builder()
                .location_constraint(location)
                .build();
            request = request.create_bucket_configuration(configuration);
        }
        match request.send().await {
            Ok(_) => {
                tracing::info!(storage.bucket = bucket, "created bucket");
                Ok(())
            }
            Err(error) => match StorageError::from_sdk("CreateBucket", error) {
                // Another process was quicker; the next call tells whether the bucket is ours.
                StorageError::Refused { code, .. } if code == "BucketAlreadyOwnedByYou" => Ok(()),
                other => Err(other),
            },
        }
    }

    /// Fails unless the bucket is there and we may look into it.
    pub async fn bucket_answers(&self, bucket: Bucket) -> Result<(), StorageError> {
        let name = self.bucket_name(bucket);
        let answer = self.client.head_bucket().bucket(name).send().await;
        match answer.map_err(|error| StorageError::from_sdk("HeadBucket", error)) {
            Ok(_) => Ok(()),
            // Without a body there is no code either.
            Err(StorageError::NotFound) => Err(StorageError::Refused {
                operation: "HeadBucket",
                code: "NoSuchBucket".into(),
                source: format!("there is no bucket {name}").into(),
            }),
            Err(error) => Err(error),
        }
    }

    /// The configured name of a bucket.
    pub fn bucket_name(&self, bucket: Bucket) -> &str {
        match bucket {
            Bucket::Staging => &self.staging_bucket,
            Bucket::Origin => &self.origin_bucket,
        }
    }
}
