//! Whole objects: writing, reading, copying, listing.

use aws_sdk_s3::types::ChecksumAlgorithm;
use bytes::Bytes;
use futures::TryStreamExt;

use super::{Checks, Tried};
use crate::{Bucket, ByteRange, ObjectKey, ObjectStore, StorageError};

const TYPE: &str = "application/octet-stream";
const CONTENT: &[u8] = b"0123456789";

impl Checks<'_> {
    pub(super) async fn buckets(&mut self) {
        let store = self.store;
        for (bucket, name, promise) in [
            (
                Bucket::Staging,
                "staging_bucket",
                "what is written to the staging bucket can be read, and is gone when it is deleted",
            ),
            (
                Bucket::Origin,
                "origin_bucket",
                "what is written to the origin bucket can be read, and is gone when it is deleted",
            ),
        ] {
            let key = self.key("object");
            self.require(
                name,
                promise,
                Box::pin(written_and_deleted(store, bucket, &key)).await,
            );
        }
    }

    pub(super) async fn objects(&mut self) {
        let store = self.store;
        let key = self.key("range");
        let promise = "a range of an object is read, and no more than the range";
        self.require("ranges", promise, Box::pin(range(store, &key)).await);
        let keys = ["copied", "copy"].map(|name| self.key(name));
        let promise = "a copy is refused when the source is not the one that was looked at";
        self.require(
            "copy_precondition",
            promise,
            Box::pin(conditional_copy(store, &keys)).await,
        );
        let promise = "a listing has every object once, sorted by bytes, page by page";
        let prefix = self.key("listed/");
        self.require("listing", promise, Box::pin(listing(store, &prefix)).await);
        let key = self.key("once");
        let promise = "a write with `If-None-Match: *` is refused where there is an object";
        let instead = "no lock rests on it: no key is used for two contents";
        self.prefer(
            "conditional_write",
            promise,
            instead,
            Box::pin(once(store, &key)).await,
        );
        let key = self.key("checked");
        let promise = "a CRC64NVME of the whole object is checked and kept";
        let instead = "the SHA-256 of what arrived is computed while it is scanned";
        self.prefer(
            "checksum",
            promise,
            instead,
            Box::pin(checksum(store, &key)).await,
        );
    }
}

async fn put(
    store: &ObjectStore,
    bucket: Bucket,
    key: &ObjectKey,
    content: &'static [u8],
) -> Result<String, StorageError> {
    let content = Bytes::from_static(content);
    let info = store.put_bytes(bucket, key, content, TYPE, None).await?;
    Ok(info.etag)
}

async fn read(
    store: &ObjectStore,
    bucket: Bucket,
    key: &ObjectKey,
    range: Option<ByteRange>,
) -> Result<Vec<u8>, StorageError> {
    let object = store.get(bucket, key, range).await?;
    let body = object.body.try_fold(Vec::new(), |mut body, bytes| {
        body.extend_from_slice(&bytes);
        std::future::ready(Ok(body))
    });
    body.await
}

async fn written_and_deleted(store: &ObjectStore, bucket: Bucket, key: &ObjectKey) -> Tried {
    store.bucket_answers(bucket).await?;
    put(store, bucket, key, CONTENT).await?;
    let kept = read(store, bucket, key, None).await?;
    store.delete(bucket, key).await?;
    let left = store.head(bucket, key).await?;
    Ok(kept == CONTENT && left.is_none())
}

async fn range(store: &ObjectStore, key: &ObjectKey) -> Tried {
    put(store, Bucket::Origin, key, CONTENT).await?;
    let middle = Some(ByteRange::Inclusive(2, 4));
    let middle = read(store, Bucket::Origin, key, middle).await?;
    let last = Some(ByteRange::Last(3));
    let last = read(store, Bucket::Origin, key, last).await?;
    Ok(middle == CONTENT[2..5] && last == CONTENT[7..])
}

async fn conditional_copy(store: &ObjectStore, [from, to]: &[ObjectKey; 2]) -> Tried {
    const OTHER: &str = "\"00000000000000000000000000000000\"";
    let etag = put(store, Bucket::Staging, from, CONTENT).await?;
    let copy = async |etag: &str| {
        let (from, to) = ((Bucket::Staging, from), (Bucket::Origin, to));
        store.copy(from, etag, to, TYPE, None).await
    };
    match copy(OTHER).await {
        Err(StorageError::PreconditionFailed) => {}
        Ok(_) => return Ok(false),
        Err(error) => return Err(error),
    }
    copy(&etag).await?;
    Ok(read(store, Bucket::Origin, to, None).await? == CONTENT)
}

async fn listing(store: &ObjectStore, prefix: &ObjectKey) -> Tried {
    let mut expected = Vec::new();
    // By bytes, as S3 sorts: capitals, then small letters, then what is not ASCII.
    for name in ["B", "a", "b", "b/c", "ä"] {
        let key = super::key(format!("{prefix}{name}"));
        put(store, Bucket::Staging, &key, CONTENT).await?;
        expected.push(key);
    }
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let page = store.list(Bucket::Staging, Some(prefix), after.as_ref(), 2);
        let page = page.await?;
        let Some(last) = page.last() else { break };
        after = Some(last.key.clone());
        listed.extend(page.into_iter().map(|object| object.key));
        if listed.len() > expected.len() {
            break;
        }
    }
    expected.sort();
    Ok(listed == expected)
}

async fn once(store: &ObjectStore, key: &ObjectKey) -> Tried {
    put(store, Bucket::Staging, key, CONTENT).await?;
    let again = store
        .client
        .put_object()
        .bucket(store.bucket_name(Bucket::Staging))
        .key(key.as_str())
        .if_none_match("*")
        .body(Bytes::from_static(CONTENT).into());
    match again.send().await {
        Ok(_) => Ok(false),
        Err(error) => match StorageError::from_sdk("PutObject", error) {
            StorageError::PreconditionFailed => Ok(true),
            error => Err(error),
        },
    }
}

async fn checksum(store: &ObjectStore, key: &ObjectKey) -> Tried {
    const OPERATION: &str = "PutObject";
    let put = |crc: Option<&str>| {
        let put = store
            .client
            .put_object()
            .bucket(store.bucket_name(Bucket::Staging))
            .key(key.as_str())
            .body(Bytes::from_static(CONTENT).into());
        match crc {
            Some(crc) => put.checksum_crc64_nvme(crc),
            None => put.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme),
        }
    };
    let kept = put(None).send().await;
    let kept = kept.map_err(|error| StorageError::from_sdk(OPERATION, error))?;
    // Of other bytes: a store that checks refuses them.
    let wrong = put(Some("AAAAAAAAAAA=")).send().await;
    Ok(kept.checksum_crc64_nvme.is_some() && wrong.is_err())
}
