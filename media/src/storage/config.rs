//! Where the object store is and how to sign for it. Reading the environment is the binary's job.

use std::fmt;

/// Settings of an S3-compatible store.
#[derive(Clone)]
pub struct StorageConfig {
    /// Base URL this process talks to, such as `http://127.0.0.1:9000`; `None` means AWS in `region`.
    pub endpoint: Option<String>,
    /// Base URL in signed URLs, as clients see the store. The host is part of the signature, so a proxy in front
    /// cannot rewrite it later. Defaults to `endpoint`.
    pub public_endpoint: Option<String>,
    /// Region in the signature's scope, such as `eu-central-1`. Most self-hosted stores accept only their own.
    pub region: String,
    /// Public half of the key.
    pub access_key_id: String,
    /// Secret half of the key; never printed.
    pub secret_access_key: String,
    /// `http://host/bucket/key` rather than `http://bucket.host/key`. Self-hosted stores usually need it.
    pub path_style: bool,
    /// Bucket that clients write to.
    pub staging_bucket: String,
    /// Bucket that the CDN reads.
    pub origin_bucket: String,
}

impl fmt::Debug for StorageConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageConfig")
            .field("endpoint", &self.endpoint)
            .field("public_endpoint", &self.public_endpoint)
            .field("region", &self.region)
            .field("access_key_id", &self.access_key_id)
            .field("secret_access_key", &"[redacted]")
            .field("path_style", &self.path_style)
            .field("staging_bucket", &self.staging_bucket)
            .field("origin_bucket", &self.origin_bucket)
            .finish()
    }
}

/// One of the two buckets; their names are configuration, their roles are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// What clients uploaded and nobody has checked.
    Staging,
    /// What was checked or made by us, and may be served.
    Origin,
}
