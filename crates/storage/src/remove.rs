//! Deleting objects, one or all below a prefix.

use super::{Bucket, ObjectKey, ObjectStore, StorageError};

impl ObjectStore {
    /// Deletes the object. One that is already gone is no error, as in S3 itself.
    pub async fn delete(&self, bucket: Bucket, key: &ObjectKey) -> Result<(), StorageError> {
        let answer = self
            .client
            .delete_object()
            .bucket(self.bucket_name(bucket))
            .key(key.as_str())
            .send();
        match answer
            .await
            .map_err(|error| StorageError::from_sdk("DeleteObject", error))
        {
            Ok(_) => Ok(()),
            Err(StorageError::NotFound) => self.bucket_answers(bucket).await,
            Err(error) => Err(error),
        }
    }

    /// Deletes every object whose key begins with `prefix`.
    pub async fn delete_below(
        &self,
        bucket: Bucket,
        prefix: &ObjectKey,
    ) -> Result<(), StorageError> {
        const OPERATION: &str = "ListObjectsV2";
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(self.bucket_name(bucket))
            .prefix(prefix.as_str())
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| StorageError::from_sdk(OPERATION, error))?;
            for object in page.contents.unwrap_or_default() {
                let key = ObjectKey::new(object.key.unwrap_or_default());
                let key = key.map_err(|error| StorageError::Protocol {
                    operation: OPERATION,
                    source: error.into(),
                })?;
                self.delete(bucket, &key).await?;
            }
        }
        Ok(())
    }
}
