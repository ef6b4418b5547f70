//! What was made of files in the origin bucket. A key is claimed before the object is made, so that whatever becomes
//! of the file, all of it is found again. Objects named by content belong to every file that claimed them, and go with
//! the last.

use sqlx::{Connection as _, PgConnection};

use crate::FileId;
use crate::ObjectKey;

/// Whether a file may rely on an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It may make it, and use it.
    Claimed,
    /// The object is just being removed: ask again in a moment.
    BeingRemoved,
    /// The file has come to its end meanwhile; nothing more may be made of it.
    Over,
}

/// Claims an object, or with a slash at the end of the key everything below it.
#[tracing::instrument(name = "db.file_objects.claim", skip_all, fields(media.file_id = %file_id))]
pub async fn claim(
    conn: &mut PgConnection,
    file_id: FileId,
    key: &ObjectKey,
) -> Result<Claim, sqlx::Error> {
    let mut transaction = conn.begin().await?;
    let tx = &mut *transaction;
    alone(tx, key.as_str()).await?;
    let going_on = sqlx::query_scalar!(
        r#"SELECT status NOT IN ('READY', 'REJECTED') AND stopped IS DISTINCT FROM 'cancelled' AS "going_on!"
           FROM media_files WHERE file_id = $1 FOR SHARE"#,
        file_id.0,
    )
    .fetch_optional(&mut *tx)
    .await?;
    if going_on != Some(true) {
        return Ok(Claim::Over);
    }
    let being_removed = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM file_objects WHERE key = $1 AND removing_since IS NOT NULL) AS "yes!""#,
        key.as_str(),
    )
    .fetch_one(&mut *tx)
    .await?;
    if being_removed {
        return Ok(Claim::BeingRemoved);
    }
    sqlx::query!(
        "INSERT INTO file_objects (file_id, key) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        file_id.0,
        key.as_str(),
    )
    .execute(&mut *tx)
    .await?;
    transaction.commit().await?;
    Ok(Claim::Claimed)
}

/// What of a file's objects is served, beside its variants: what those lead to. Record it in the same transaction.
#[tracing::instrument(name = "db.file_objects.serve", skip_all, fields(media.file_id = %file_id))]
pub async fn serve(
    conn: &mut PgConnection,
    file_id: FileId,
    keys: &[ObjectKey],
) -> Result<(), sqlx::Error> {
    let keys: Vec<_> = keys.iter().map(|key| key.as_str().to_owned()).collect();
    sqlx::query!(
        "UPDATE file_objects SET served = (key = ANY ($2)) WHERE file_id = $1",
        file_id.0,
        &keys,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The keys and prefixes that [`serve`] has named.
#[tracing::instrument(name = "db.file_objects.served", skip_all, fields(media.file_id = %file_id))]
pub async fn served(conn: &mut PgConnection, file_id: FileId) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT key FROM file_objects WHERE file_id = $1 AND served",
        file_id.0,
    )
    .fetch_all(conn)
    .await
}

/// Everything that may have been made of a file, by key or prefix.
#[tracing::instrument(name = "db.file_objects.list", skip_all, fields(media.file_id = %file_id))]
pub async fn list(conn: &mut PgConnection, file_id: FileId) -> Result<Vec<ObjectKey>, sqlx::Error> {
    let keys = sqlx::query_scalar!(
        r#"SELECT key AS "key!" FROM file_objects WHERE file_id = $1
           UNION
           SELECT storage_path FROM media_variants WHERE file_id = $1
           ORDER BY 1"#,
        file_id.0,
    )
    .fetch_all(conn)
    .await?;
    let keys = keys.into_iter().map(ObjectKey::new);
    keys.collect::<Result<_, _>>()
        .map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Gives a claim up. Whether the object is to be removed now: no other file has a claim on it, and none gets one until
/// it is [`forget`]ten.
#[tracing::instrument(name = "db.file_objects.give_up", skip_all, fields(media.file_id = %file_id))]
pub async fn give_up(
    conn: &mut PgConnection,
    file_id: FileId,
    key: &ObjectKey,
) -> Result<bool, sqlx::Error> {
    let mut transaction = conn.begin().await?;
    let tx = &mut *transaction;
    alone(tx, key.as_str()).await?;
    let shared = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM file_objects WHERE key = $2 AND file_id <> $1) AS "yes!""#,
        file_id.0,
        key.as_str(),
    )
    .fetch_one(&mut *tx)
    .await?;
    if !shared {
        sqlx::query!(
            "UPDATE file_objects SET removing_since = now() WHERE file_id = $1 AND key = $2",
            file_id.0,
            key.as_str(),
        )
        .execute(&mut *tx)
        .await?;
    }
    if shared {
        forget(tx, file_id, key).await?;
    }
    transaction.commit().await?;
    Ok(!shared)
}

/// The object is gone, or is another file's alone.
#[tracing::instrument(name = "db.file_objects.forget", skip_all, fields(media.file_id = %file_id))]
pub async fn forget(
    conn: &mut PgConnection,
    file_id: FileId,
    key: &ObjectKey,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM file_objects WHERE file_id = $1 AND key = $2",
        file_id.0,
        key.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Nobody else claims this object, or gives it up, until the transaction ends.
pub(super) async fn alone(tx: &mut PgConnection, key: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(hashtextextended($1, 0)) IS NULL AS "locked""#,
        key,
    )
    .fetch_one(tx)
    .await?;
    Ok(())
}
