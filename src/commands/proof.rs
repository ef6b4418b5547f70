//! What `api` and `worker` prove before they say that they are ready: a setting that is wrong is found here, and not
//! by the first file. Each proof is one line in the log, and a refusal names the setting.

use anyhow::{Context, ensure};
use bytes::Bytes;
use media::{buckets, keys};
use sqlx::PgPool;
use storage::{Bucket, ObjectKey, ObjectStore, StorageError};
use uuid::Uuid;

use crate::database;

const BUCKETS: [(Bucket, &str); 2] = [
    (Bucket::Staging, "MEDIAMILL_STAGING_BUCKET"),
    (Bucket::Origin, "MEDIAMILL_ORIGIN_BUCKET"),
];

/// The schema is one that this build works on.
pub async fn schema(pool: &PgPool) -> anyhow::Result<()> {
    database::must_be_migrated(pool).await?;
    tracing::info!("the database is reached, and its schema is this build's");
    Ok(())
}

/// The buckets are there, and the credentials may read, write and delete in them.
pub async fn buckets(store: &ObjectStore) -> anyhow::Result<()> {
    for (bucket, setting) in BUCKETS {
        let name = store.bucket_name(bucket);
        let key = keys::start_up_probe(Uuid::now_v7());
        let used = used(store, bucket, &key).await;
        used.with_context(|| format!("cannot use the bucket {name} ({setting})"))?;
        tracing::info!(
            storage.bucket = name,
            "the bucket can be read, written and deleted from"
        );
    }
    Ok(())
}

/// They are the buckets that hold the files of this database.
pub async fn recorded_buckets(pool: &PgPool, store: &ObjectStore) -> anyhow::Result<()> {
    let mut connection = media::pool::borrow(pool).await?;
    for (bucket, setting) in BUCKETS {
        let name = store.bucket_name(bucket);
        let on_record = buckets::record(&mut connection, bucket, name).await?;
        ensure!(
            on_record == name,
            "{setting} is {name}, and the files of this database are in {on_record}; if the objects were moved there, \
             run `mediamill migrate --buckets-moved`"
        );
    }
    Ok(())
}

/// A signed URL is a right to send bytes, and none to copy what others have sent.
pub async fn signed_urls(store: &ObjectStore) -> anyhow::Result<()> {
    let proven = store.prove_refuses_unsigned_headers().await;
    proven.context("the object store cannot be relied on (MEDIAMILL_S3_ENDPOINT)")?;
    tracing::info!("the object store obeys no header that is not signed");
    Ok(())
}

async fn used(store: &ObjectStore, bucket: Bucket, key: &ObjectKey) -> anyhow::Result<()> {
    store.bucket_answers(bucket).await.map_err(settings)?;
    let put = store.put_bytes(bucket, key, Bytes::new(), "application/octet-stream", None);
    put.await.map_err(settings)?;
    let there = store.head(bucket, key).await.map_err(settings)?;
    ensure!(there.is_some(), "what was written is not there");
    store.delete(bucket, key).await.map_err(settings)
}

/// Says which settings a refusal is about, beside the bucket.
fn settings(error: StorageError) -> anyhow::Error {
    let hint = match &error {
        StorageError::Unavailable { .. } => Some("is MEDIAMILL_S3_ENDPOINT right?"),
        StorageError::Refused { code, .. } if code == "NoSuchBucket" => {
            Some("there is no such bucket")
        }
        StorageError::Refused { .. } => Some(
            "are MEDIAMILL_S3_ACCESS_KEY_ID, MEDIAMILL_S3_SECRET_ACCESS_KEY and MEDIAMILL_S3_REGION right?",
        ),
        _ => None,
    };
    let error = anyhow::Error::new(error);
    match hint {
        Some(hint) => error.context(hint),
        None => error,
    }
}
