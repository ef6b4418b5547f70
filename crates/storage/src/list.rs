//! What lies in a bucket: objects by key, and multipart uploads that nobody has completed.

use chrono::{DateTime, Utc};

use super::{Bucket, ObjectKey, ObjectStore, StorageError};

/// An object as a listing has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    pub key: ObjectKey,
    pub size_bytes: u64,
    /// When it was written, by the store's clock.
    pub modified_at: DateTime<Utc>,
}

/// A multipart upload to staging that was neither completed nor given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenUpload {
    /// Where it would become an object.
    pub key: ObjectKey,
    /// The store's id.
    pub upload_id: String,
    /// When it was begun, by the store's clock.
    pub begun_at: DateTime<Utc>,
}

impl ObjectStore {
    /// The next objects behind a key, sorted by the bytes of their keys; at most `limit`, which S3 takes up to 1,000.
    /// An empty list is the end.
    pub async fn list(
        &self,
        bucket: Bucket,
        prefix: Option<&ObjectKey>,
        after: Option<&ObjectKey>,
        limit: i32,
    ) -> Result<Vec<ListedObject>, StorageError> {
        const OPERATION: &str = "ListObjectsV2";
        let page = self
            .client
            .list_objects_v2()
            .bucket(self.bucket_name(bucket))
            .set_prefix(prefix.map(|prefix| prefix.as_str().to_owned()))
            .set_start_after(after.map(|after| after.as_str().to_owned()))
            .max_keys(limit)
            .send()
            .await
            .map_err(|error| StorageError::from_sdk(OPERATION, error))?;
        let objects = page.contents.unwrap_or_default().into_iter();
        let objects = objects.map(|object| {
            Some(ListedObject {
                key: ObjectKey::new(object.key?).ok()?,
                size_bytes: object.size?.try_into().ok()?,
                modified_at: time(object.last_modified)?,
            })
        });
        objects
            .collect::<Option<_>>()
            .ok_or_else(|| malformed(OPERATION))
    }

    /// Every multipart upload to staging below a prefix that is still open.
    pub async fn open_uploads(
        &self,
        prefix: Option<&ObjectKey>,
    ) -> Result<Vec<OpenUpload>, StorageError> {
        const OPERATION: &str = "ListMultipartUploads";
        let (mut uploads, mut key_marker, mut id_marker) = (Vec::new(), None, None);
        loop {
            let page = self
                .client
                .list_multipart_uploads()
                .bucket(self.bucket_name(Bucket::Staging))
                .set_prefix(prefix.map(|prefix| prefix.as_str().to_owned()))
                .set_key_marker(key_marker)
                .set_upload_id_marker(id_marker)
                .send()
                .await
                .map_err(|error| StorageError::from_sdk(OPERATION, error))?;
            for upload in page.uploads.unwrap_or_default() {
                let upload = || {
                    Some(OpenUpload {
                        key: ObjectKey::new(upload.key?).ok()?,
                        upload_id: upload.upload_id?,
                        begun_at: time(upload.initiated)?,
                    })
                };
                uploads.push(upload().ok_or_else(|| malformed(OPERATION))?);
            }
            // A page that says there is more and not where it begins would be asked for again, for ever.
            if page.is_truncated != Some(true) || page.next_key_marker.is_none() {
                return Ok(uploads);
            }
            (key_marker, id_marker) = (page.next_key_marker, page.next_upload_id_marker);
        }
    }
}

fn time(time: Option<aws_sdk_s3::primitives::DateTime>) -> Option<DateTime<Utc>> {
    let time = time?;
    DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}

fn malformed(operation: &'static str) -> StorageError {
    StorageError::Protocol {
        operation,
        source: "a key, size, id or time is missing or malformed".into(),
    }
}
