//! Multipart uploads: what was sent is known, joined as it was sent, and gone when it is given up.

use bytes::Bytes;

use super::{Checks, Tried};
use crate::{Bucket, ObjectKey, ObjectStore, Part, StorageError};

/// Least size of a part that is not the last (S3, *Multipart upload limits*).
const PART_BYTES: usize = 5 << 20;
/// Largest number of a part (same page).
const LAST_PART: u16 = 10_000;

impl Checks<'_> {
    pub(super) async fn uploads(&mut self) {
        let store = self.store;
        let key = self.key("upload");
        let promise =
            "the parts that arrived are listed with number, ETag and size, up to part 10,000";
        self.require("parts_listed", promise, Box::pin(listed(store, &key)).await);
        let promise = "parts are joined in their order, and the size is right";
        self.require("parts_joined", promise, Box::pin(joined(store, &key)).await);
        let promise =
            "a part with another ETag than the one that arrived is refused, and the upload goes on";
        let instead = "the parts are compared with those that are listed before they are joined";
        self.prefer(
            "wrong_etag",
            promise,
            instead,
            Box::pin(wrong_etag(store, &key)).await,
        );
        let promise = "an upload that is completed twice is found complete or gone";
        let instead = "the object's size tells whether the first time had worked";
        self.prefer(
            "completed_twice",
            promise,
            instead,
            Box::pin(twice(store, &key)).await,
        );
        let promise = "a part that comes after the upload was given up is refused";
        let instead = "what arrives late is swept away an hour after its address has expired";
        self.prefer(
            "late_part",
            promise,
            instead,
            Box::pin(late(store, &key)).await,
        );
        let promise = "uploads that are not completed are listed";
        let instead = "only those that the database knows are given up by upkeep";
        self.prefer(
            "uploads_listed",
            promise,
            instead,
            Box::pin(open(store, &key)).await,
        );
    }
}

async fn part(
    store: &ObjectStore,
    (key, id): (&ObjectKey, &str),
    number: u16,
    content: Vec<u8>,
) -> Result<Part, StorageError> {
    const OPERATION: &str = "UploadPart";
    let size_bytes = content.len() as u64;
    let sent = store
        .client
        .upload_part()
        .bucket(store.bucket_name(Bucket::Staging))
        .key(key.as_str())
        .upload_id(id)
        .part_number(number.into())
        .body(Bytes::from(content).into())
        .send()
        .await
        .map_err(|error| StorageError::from_sdk(OPERATION, error))?;
    let etag = sent.e_tag.ok_or_else(|| StorageError::Protocol {
        operation: OPERATION,
        source: "the answer has no etag".into(),
    })?;
    Ok(Part {
        number,
        etag,
        size_bytes,
    })
}

/// Runs a trial on an upload of its own, and gives up what is left of it.
async fn trial<T>(
    store: &ObjectStore,
    key: &ObjectKey,
    trial: impl AsyncFnOnce(&str) -> Result<T, StorageError>,
) -> Result<T, StorageError> {
    let id = store.create_multipart(key).await?;
    let tried = trial(&id).await;
    if let Err(error) = store.abort_multipart(key, &id).await {
        tracing::debug!(storage.key = %key, %error, "could not give up what a check began");
    }
    tried
}

async fn listed(store: &ObjectStore, key: &ObjectKey) -> Tried {
    trial(store, key, async |id| {
        let last = part(store, (key, id), LAST_PART, vec![2; 20]).await?;
        let first = part(store, (key, id), 1, vec![1; 10]).await?;
        Ok(store.list_parts(key, id).await? == [first, last])
    })
    .await
}

async fn joined(store: &ObjectStore, key: &ObjectKey) -> Tried {
    trial(store, key, async |id| {
        // Sent in the other order, which says nothing about theirs.
        let last = part(store, (key, id), 2, vec![2]).await?;
        let first = part(store, (key, id), 1, vec![1; PART_BYTES]).await?;
        let whole = store.complete_multipart(key, id, &[first, last]).await?;
        let range = Some(crate::ByteRange::Last(2));
        let mut end = store.get(Bucket::Staging, key, range).await?.body;
        let mut bytes = Vec::new();
        while let Some(chunk) = futures::StreamExt::next(&mut end).await {
            bytes.extend_from_slice(&chunk?);
        }
        Ok(whole.size_bytes == PART_BYTES as u64 + 1 && bytes == [1, 2])
    })
    .await
}

async fn wrong_etag(store: &ObjectStore, key: &ObjectKey) -> Tried {
    trial(store, key, async |id| {
        let sent = part(store, (key, id), 1, vec![1; 10]).await?;
        let other = Part {
            etag: "\"00000000000000000000000000000000\"".into(),
            ..sent.clone()
        };
        match store.complete_multipart(key, id, &[other]).await {
            Err(StorageError::InvalidPart) => {}
            _ => return Ok(false),
        }
        Ok(store.list_parts(key, id).await? == [sent])
    })
    .await
}

async fn twice(store: &ObjectStore, key: &ObjectKey) -> Tried {
    trial(store, key, async |id| {
        let sent = [part(store, (key, id), 1, vec![1; 10]).await?];
        store.complete_multipart(key, id, &sent).await?;
        let again = store.complete_multipart(key, id, &sent).await;
        Ok(matches!(again, Ok(_) | Err(StorageError::NoSuchUpload)))
    })
    .await
}

async fn late(store: &ObjectStore, key: &ObjectKey) -> Tried {
    let id = store.create_multipart(key).await?;
    store.abort_multipart(key, &id).await?;
    match part(store, (key, &id), 1, vec![1; 10]).await {
        Ok(_) => Ok(false),
        Err(StorageError::Unavailable { operation, source }) => {
            Err(StorageError::Unavailable { operation, source })
        }
        Err(_) => Ok(true),
    }
}

async fn open(store: &ObjectStore, key: &ObjectKey) -> Tried {
    trial(store, key, async |id| {
        let uploads = store.open_uploads(Some(key)).await?;
        let found = |upload: &crate::OpenUpload| upload.key == *key && upload.upload_id == id;
        Ok(uploads.iter().any(found))
    })
    .await
}
