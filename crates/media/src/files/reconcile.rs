//! What of the buckets is on record, for whoever compares the two.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{FileId, ObjectKey, UploadId};

/// An object that a READY file cannot do without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Whose it is.
    pub file_id: FileId,
    /// Its key; with a slash at its end, there is something below it.
    pub key: ObjectKey,
}

/// The next objects of READY files, behind one, by file and key; `limit` at most. An empty list is the end.
#[tracing::instrument(name = "db.file_objects.expected", skip_all)]
pub async fn expected(
    conn: &mut PgConnection,
    after: Option<&Expected>,
    limit: i64,
) -> Result<Vec<Expected>, sqlx::Error> {
    let (file_id, key) = match after {
        Some(after) => (after.file_id.0, after.key.as_str()),
        None => (Uuid::nil(), ""),
    };
    let rows = sqlx::query!(
        r#"SELECT file.file_id, object.key AS "key!"
           FROM media_files AS file
           CROSS JOIN LATERAL (
               SELECT storage_path AS key FROM media_variants WHERE file_id = file.file_id
               UNION
               SELECT key FROM file_objects
               WHERE file_id = file.file_id AND removing_since IS NULL AND (served OR key LIKE 'originals/%')
           ) AS object
           WHERE file.status = 'READY' AND file.deleted_at IS NULL
             AND file.file_id >= $1 AND (file.file_id > $1 OR object.key > $2)
           ORDER BY file.file_id, object.key LIMIT $3"#,
        file_id,
        key,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| {
        Ok(Expected {
            file_id: row.file_id.into(),
            key: ObjectKey::new(row.key)?,
        })
    });
    let rows: Result<_, crate::InvalidObjectKey> = rows.collect();
    rows.map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Which of these objects of the origin bucket no file has a claim on. Each comes with the prefix below which a file
/// would have claimed it.
#[tracing::instrument(name = "db.file_objects.unclaimed", skip_all)]
pub async fn unclaimed(
    conn: &mut PgConnection,
    keys: &[String],
    prefixes: &[String],
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT listed.key AS "key!"
           FROM unnest($1::text[], $2::text[]) AS listed (key, prefix)
           WHERE NOT EXISTS (SELECT FROM file_objects AS made WHERE made.key IN (listed.key, listed.prefix))
             AND NOT EXISTS (SELECT FROM media_variants AS variant WHERE variant.storage_path = listed.key)"#,
        keys,
        prefixes,
    )
    .fetch_all(conn)
    .await
}

/// Keeps every file from claiming an object until the transaction ends, and asks whether one has.
#[tracing::instrument(name = "db.file_objects.hold_unclaimed", skip_all)]
pub async fn hold_unclaimed(
    tx: &mut PgConnection,
    key: &str,
    prefix: &str,
) -> Result<bool, sqlx::Error> {
    for key in [key, prefix] {
        super::objects::alone(tx, key).await?;
    }
    let (keys, prefixes) = ([key.to_owned()], [prefix.to_owned()]);
    Ok(!unclaimed(tx, &keys, &prefixes).await?.is_empty())
}

/// Which of these uploads need nothing in the staging bucket any more: they are not on record, or were swept for the
/// last time.
#[tracing::instrument(name = "db.uploads.without_staging", skip_all)]
pub async fn without_staging(
    conn: &mut PgConnection,
    uploads: &[UploadId],
) -> Result<Vec<UploadId>, sqlx::Error> {
    let uploads: Vec<_> = uploads.iter().map(|upload| upload.0).collect();
    let rows = sqlx::query_scalar!(
        r#"SELECT listed.upload_id AS "upload_id!" FROM unnest($1::uuid[]) AS listed (upload_id)
           WHERE NOT EXISTS (SELECT FROM uploads WHERE upload_id = listed.upload_id AND sweeps < 2)"#,
        &uploads,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(UploadId).collect())
}
