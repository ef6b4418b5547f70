//! The SQL of upload sessions.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::error::BoxDynError;
use sqlx::types::Json;
use uuid::Uuid;

use super::Part;
use super::{Declared, Plan, Strategy, Upload, UploadState};
use crate::ObjectKey;
use crate::{FileId, OwnerId, Sha256, UploadId};

/// A row as stored. Turning it into an [`Upload`] checks what the types promise.
struct Row {
    upload_id: Uuid,
    file_id: Uuid,
    owner_id: String,
    filename: String,
    declared_mime_type: String,
    declared_size_bytes: i64,
    declared_sha256: Option<Vec<u8>>,
    metadata: Json<BTreeMap<String, String>>,
    strategy: Strategy,
    part_size_bytes: i64,
    part_count: i32,
    object_key: String,
    s3_upload_id: Option<String>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
    aborted_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Upload {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        let read = || -> Result<Self, BoxDynError> {
            Ok(Self {
                upload_id: row.upload_id.into(),
                file_id: row.file_id.into(),
                owner_id: OwnerId::new(row.owner_id)?,
                declared: Declared {
                    filename: row.filename,
                    mime_type: row.declared_mime_type,
                    sha256: row
                        .declared_sha256
                        .as_deref()
                        .map(TryInto::try_into)
                        .transpose()?,
                    metadata: row.metadata.0,
                },
                plan: Plan {
                    strategy: row.strategy,
                    size_bytes: row.declared_size_bytes.try_into()?,
                    part_size_bytes: row.part_size_bytes.try_into()?,
                    part_count: row.part_count.try_into()?,
                },
                object_key: ObjectKey::new(row.object_key)?,
                s3_upload_id: row.s3_upload_id,
                created_at: row.created_at,
                expires_at: row.expires_at,
                state: match (row.completed_at, row.aborted_at) {
                    (Some(at), _) => UploadState::Completed(at),
                    (None, Some(at)) => UploadState::Aborted(at),
                    (None, None) => UploadState::Open,
                },
            })
        };
        read().map_err(sqlx::Error::Decode)
    }
}

/// Opens a session and its PENDING file. `upload.state` must be open.
#[tracing::instrument(name = "db.uploads.initiate", skip_all, fields(media.upload_id = %upload.upload_id))]
pub async fn initiate(conn: &mut PgConnection, upload: &Upload) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO uploads (upload_id, file_id, owner_id, filename, declared_mime_type,
             declared_size_bytes, declared_sha256, strategy, part_size_bytes, part_count,
             object_key, s3_upload_id, created_at, expires_at, metadata)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        upload.upload_id.0,
        upload.file_id.0,
        upload.owner_id.as_str(),
        upload.declared.filename,
        upload.declared.mime_type,
        upload.plan.size_bytes.cast_signed(),
        upload
            .declared
            .sha256
            .as_ref()
            .map(|digest| digest.as_bytes().as_slice()),
        upload.plan.strategy.as_str(),
        upload.plan.part_size_bytes.cast_signed(),
        i32::from(upload.plan.part_count),
        upload.object_key.as_str(),
        upload.s3_upload_id,
        upload.created_at,
        upload.expires_at,
        Json(&upload.declared.metadata) as _,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO media_files (file_id, owner_id, upload_id, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $4)",
        upload.file_id.0,
        upload.owner_id.as_str(),
        upload.upload_id.0,
        upload.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An owner's session.
#[tracing::instrument(name = "db.uploads.get", skip_all, fields(media.upload_id = %upload_id))]
pub async fn get(
    conn: &mut PgConnection,
    owner_id: &OwnerId,
    upload_id: UploadId,
) -> Result<Option<Upload>, sqlx::Error> {
    sqlx::query_file_as!(Row, "src/uploads/get.sql", upload_id.0, owner_id.as_str())
        .fetch_optional(conn)
        .await?
        .map(TryInto::try_into)
        .transpose()
}

/// An owner's session, locked until the transaction ends: complete and abort exclude each other.
#[tracing::instrument(name = "db.uploads.lock", skip_all, fields(media.upload_id = %upload_id))]
pub async fn lock(
    conn: &mut PgConnection,
    owner_id: &OwnerId,
    upload_id: UploadId,
) -> Result<Option<Upload>, sqlx::Error> {
    sqlx::query_file_as!(Row, "src/uploads/lock.sql", upload_id.0, owner_id.as_str())
        .fetch_optional(conn)
        .await?
        .map(TryInto::try_into)
        .transpose()
}

/// The session by which an owner's file came, locked until the transaction ends. A file that its owner deleted still
/// has one.
#[tracing::instrument(name = "db.uploads.lock_of_file", skip_all, fields(media.file_id = %file_id))]
pub async fn lock_of_file(
    conn: &mut PgConnection,
    owner_id: &OwnerId,
    file_id: FileId,
) -> Result<Option<Upload>, sqlx::Error> {
    sqlx::query_file_as!(
        Row,
        "src/uploads/lock_of_file.sql",
        file_id.0,
        owner_id.as_str()
    )
    .fetch_optional(conn)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// Anybody's session, for workers, which are handed ids by the engine and not by clients.
#[tracing::instrument(name = "db.uploads.load", skip_all, fields(media.upload_id = %upload_id))]
pub async fn load(
    conn: &mut PgConnection,
    upload_id: UploadId,
) -> Result<Option<Upload>, sqlx::Error> {
    sqlx::query_file_as!(Row, "src/uploads/load.sql", upload_id.0)
        .fetch_optional(conn)
        .await?
        .map(TryInto::try_into)
        .transpose()
}

/// Notes the digest of the whole file, where the session has none or the same. `false` if it has another.
#[tracing::instrument(name = "db.uploads.declare_sha256", skip_all, fields(media.upload_id = %upload_id))]
pub async fn declare_sha256(
    conn: &mut PgConnection,
    upload_id: UploadId,
    sha256: &Sha256,
) -> Result<bool, sqlx::Error> {
    let noted = sqlx::query!(
        "UPDATE uploads SET declared_sha256 = $2
         WHERE upload_id = $1 AND coalesce(declared_sha256, $2) = $2",
        upload_id.0,
        sha256.as_bytes().as_slice(),
    )
    .execute(conn)
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// Ends an open session as complete and notes what the store holds. `false` if it was not open.
#[tracing::instrument(name = "db.uploads.complete", skip_all, fields(media.upload_id = %upload_id))]
pub async fn complete(
    conn: &mut PgConnection,
    owner_id: &OwnerId,
    upload_id: UploadId,
    parts: &[Part],
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE uploads SET completed_at = $3
         WHERE upload_id = $1 AND owner_id = $2 AND completed_at IS NULL AND aborted_at IS NULL",
        upload_id.0,
        owner_id.as_str(),
        now,
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let numbers: Vec<i32> = parts.iter().map(|part| i32::from(part.number)).collect();
    let etags: Vec<String> = parts.iter().map(|part| part.etag.clone()).collect();
    let sizes: Vec<i64> = parts
        .iter()
        .map(|part| part.size_bytes.cast_signed())
        .collect();
    sqlx::query!(
        "INSERT INTO upload_parts (upload_id, part_number, etag, size_bytes, uploaded_at)
         SELECT $1, part.number, part.etag, part.size_bytes, $5
         FROM unnest($2::integer[], $3::text[], $4::bigint[]) AS part (number, etag, size_bytes)
         ON CONFLICT (upload_id, part_number) DO UPDATE
         SET etag = excluded.etag, size_bytes = excluded.size_bytes, uploaded_at = excluded.uploaded_at",
        upload_id.0,
        &numbers,
        &etags,
        &sizes,
        now,
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// The parts of a completed session as the store held them then, by number.
#[tracing::instrument(name = "db.uploads.confirmed_parts", skip_all, fields(media.upload_id = %upload_id))]
pub async fn confirmed_parts(
    conn: &mut PgConnection,
    upload_id: UploadId,
) -> Result<Vec<Part>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT part_number, etag, size_bytes FROM upload_parts WHERE upload_id = $1
         ORDER BY part_number",
        upload_id.0,
    )
    .fetch_all(conn)
    .await?;
    let part = |number: i32, etag: String, size_bytes: i64| -> Result<Part, BoxDynError> {
        Ok(Part {
            number: number.try_into()?,
            etag,
            size_bytes: size_bytes.try_into()?,
        })
    };
    rows.into_iter()
        .map(|row| part(row.part_number, row.etag, row.size_bytes))
        .collect::<Result<_, _>>()
        .map_err(sqlx::Error::Decode)
}

/// Ends an open session as given up. `false` if it was not open.
#[tracing::instrument(name = "db.uploads.abort", skip_all, fields(media.upload_id = %upload_id))]
pub async fn abort(
    conn: &mut PgConnection,
    owner_id: &OwnerId,
    upload_id: UploadId,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE uploads SET aborted_at = $3
         WHERE upload_id = $1 AND owner_id = $2 AND completed_at IS NULL AND aborted_at IS NULL",
        upload_id.0,
        owner_id.as_str(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
