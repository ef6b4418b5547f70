//! Buckets.

use std::fs;
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use super::{Store, StoreError, files, now_ms};

/// A bucket as listed.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::s3) struct BucketRecord {
    pub(in crate::s3) name: String,
    pub(in crate::s3) created_ms: u64,
}

impl Store {
    pub(in crate::s3) fn create_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        let _all = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        let file = self.layout.bucket_file(bucket);
        if file.try_exists()? {
            return Err(StoreError::BucketExists);
        }
        let record = BucketRecord {
            name: bucket.to_owned(),
            created_ms: now_ms(),
        };
        files::write_record(&self.layout.tmp(), &file, &record, self.sync_writes)?;
        Ok(())
    }

    pub(in crate::s3) fn require_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        self.bucket(bucket).map(drop)
    }

    /// All buckets by name.
    pub(in crate::s3) fn list_buckets(&self) -> Result<Vec<BucketRecord>, StoreError> {
        let mut buckets = Vec::new();
        for folder in files::entries(&self.layout.buckets())? {
            buckets.extend(files::read_record::<BucketRecord>(
                &folder.join("bucket.json"),
            )?);
        }
        buckets.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(buckets)
    }

    /// Removes an empty bucket. Uploads that were never completed go with it.
    pub(in crate::s3) fn delete_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        let _all = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        if !self.layout.bucket_file(bucket).try_exists()? {
            return Err(StoreError::NoSuchBucket);
        }
        for shard in files::entries(&self.layout.objects(bucket))? {
            if !files::entries(&shard)?.is_empty() {
                return Err(StoreError::BucketNotEmpty);
            }
        }
        for upload in files::entries(&self.layout.uploads(bucket))? {
            if let Some(id) = upload.file_name().and_then(|name| name.to_str()) {
                self.pins.retire(id)?;
            }
        }
        self.names().forget(bucket);
        // Without its record the bucket is gone, whatever becomes of the rest.
        files::remove_file(&self.layout.bucket_file(bucket))?;
        fs::remove_dir_all(self.layout.bucket(bucket))?;
        Ok(())
    }
}
