//! Uploads whose bytes pass through the API: how far each is, and which request may carry it on.
//!
//! A request that touches such an upload takes it first, which raises its epoch. Whatever an earlier request writes from
//! then on is refused by the epoch that it had: one that hangs holds up nobody and changes nothing.

use std::ops::Range;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::error::BoxDynError;

use super::{MAX_PARTS, Part, Plan};
use crate::{ObjectKey, UploadId};

pub use super::opening::{New, create, create_joined, declared_sha512, joined_id};

/// How far an upload is, as the request that took it found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub upload_id: UploadId,
    /// Of the request that took it last.
    pub epoch: i64,
    /// Bytes of the whole file, once the client has said so.
    pub length_bytes: Option<u64>,
    /// Bytes that are confirmed: they survive this process.
    pub offset_bytes: u64,
    /// The last of them, which are less than a part.
    pub tail: Option<Tail>,
    /// What the client wants to be given back.
    pub metadata: Option<String>,
    /// What it is in a concatenation, as tus says it.
    pub concat: Option<String>,
}

impl Progress {
    /// Whether it is a piece of a file, which is never completed by itself.
    pub fn is_partial(&self) -> bool {
        self.concat.as_deref() == Some(PARTIAL)
    }
}

/// `concat` of a piece of a file.
pub const PARTIAL: &str = "partial";

/// Bytes that are less than a part, kept aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// Where, in the staging bucket.
    pub key: ObjectKey,
    /// How many, at least one.
    pub size_bytes: u64,
}

/// What a request has stored and wants to be confirmed.
#[derive(Debug, Clone, Copy)]
pub struct Advance<'a> {
    /// How many bytes are confirmed then.
    pub offset_bytes: u64,
    /// Parts that were not confirmed before.
    pub parts: &'a [Part],
    /// What lies behind the last part.
    pub tail: Option<&'a Tail>,
}

struct Row {
    upload_id: uuid::Uuid,
    epoch: i64,
    length_bytes: Option<i64>,
    offset_bytes: i64,
    tail_key: Option<String>,
    tail_bytes: i64,
    metadata: Option<String>,
    concat: Option<String>,
}

impl TryFrom<Row> for Progress {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        let read = || -> Result<Self, BoxDynError> {
            let tail = |key| -> Result<Tail, BoxDynError> {
                Ok(Tail {
                    key: ObjectKey::new(key)?,
                    size_bytes: row.tail_bytes.try_into()?,
                })
            };
            Ok(Self {
                upload_id: row.upload_id.into(),
                epoch: row.epoch,
                length_bytes: row.length_bytes.map(TryInto::try_into).transpose()?,
                offset_bytes: row.offset_bytes.try_into()?,
                tail: row.tail_key.map(tail).transpose()?,
                metadata: row.metadata,
                concat: row.concat,
            })
        };
        read().map_err(sqlx::Error::Decode)
    }
}

/// How far an upload is. Takes nothing from anybody: only for uploads that are over.
#[tracing::instrument(name = "db.resumable_uploads.get", skip_all, fields(media.upload_id = %upload_id))]
pub async fn get(
    conn: &mut PgConnection,
    upload_id: UploadId,
) -> Result<Option<Progress>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "SELECT upload_id, epoch, length_bytes, offset_bytes, tail_key, tail_bytes, metadata, concat
         FROM resumable_uploads WHERE upload_id = $1",
        upload_id.0,
    )
    .fetch_optional(conn)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// Takes an upload: from here on only the caller's epoch may write. `None` if there is none that passes through the API.
#[tracing::instrument(name = "db.resumable_uploads.take", skip_all, fields(media.upload_id = %upload_id))]
pub async fn take(
    conn: &mut PgConnection,
    upload_id: UploadId,
) -> Result<Option<Progress>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "UPDATE resumable_uploads SET epoch = epoch + 1 WHERE upload_id = $1
         RETURNING upload_id, epoch, length_bytes, offset_bytes, tail_key, tail_bytes, metadata, concat",
        upload_id.0,
    )
    .fetch_optional(conn)
    .await?
    .map(TryInto::try_into)
    .transpose()
}

/// Numbers for parts that are about to be sent to the store, at most `count`, which nobody else has or had: what arrives
/// there late is never written over a part that counts. `None` if the upload was taken, is over, or has used all numbers.
#[tracing::instrument(name = "db.resumable_uploads.reserve_parts", skip_all, fields(media.upload_id = %upload_id))]
pub async fn reserve_parts(
    conn: &mut PgConnection,
    upload_id: UploadId,
    epoch: i64,
    count: u16,
) -> Result<Option<Range<u16>>, sqlx::Error> {
    let most = i32::try_from(MAX_PARTS).unwrap_or(i32::MAX);
    let reserved = sqlx::query!(
        r#"WITH before AS (
             SELECT taken.upload_id, taken.next_part_number AS first
             FROM resumable_uploads AS taken JOIN uploads AS upload USING (upload_id)
             WHERE taken.upload_id = $1 AND taken.epoch = $2 AND taken.next_part_number <= $3
               AND upload.completed_at IS NULL AND upload.aborted_at IS NULL
             FOR UPDATE OF taken)
           UPDATE resumable_uploads AS taken SET next_part_number = least(before.first + $4, $3 + 1)
           FROM before WHERE taken.upload_id = before.upload_id
           RETURNING before.first AS "first!", taken.next_part_number AS "end!""#,
        upload_id.0,
        epoch,
        most,
        i32::from(count),
    )
    .fetch_optional(conn)
    .await?;
    let range = reserved.map(|reserved| Ok(reserved.first.try_into()?..reserved.end.try_into()?));
    let range = range.transpose();
    range.map_err(|error: std::num::TryFromIntError| sqlx::Error::Decode(error.into()))
}

/// Confirms what was stored. `false`, and nothing is changed, if the upload was taken or is over. The offset never falls.
#[tracing::instrument(name = "db.resumable_uploads.advance", skip_all, fields(media.upload_id = %upload_id))]
pub async fn advance(
    conn: &mut PgConnection,
    upload_id: UploadId,
    epoch: i64,
    to: Advance<'_>,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let parts = to.parts.iter();
    let numbers: Vec<i32> = parts.clone().map(|part| i32::from(part.number)).collect();
    let etags: Vec<String> = parts.clone().map(|part| part.etag.clone()).collect();
    let sizes: Vec<i64> = parts.map(|part| part.size_bytes.cast_signed()).collect();
    let moved = sqlx::query_scalar!(
        r#"WITH moved AS (
             UPDATE resumable_uploads AS taken
             SET offset_bytes = $3, tail_key = $4, tail_bytes = $5
             FROM uploads AS upload
             WHERE taken.upload_id = $1 AND taken.epoch = $2 AND taken.offset_bytes <= $3
               AND upload.upload_id = $1 AND upload.completed_at IS NULL AND upload.aborted_at IS NULL
             RETURNING taken.upload_id),
           stored AS (
             INSERT INTO upload_parts (upload_id, part_number, etag, size_bytes, uploaded_at)
             SELECT moved.upload_id, part.number, part.etag, part.size_bytes, $9
             FROM moved, unnest($6::integer[], $7::text[], $8::bigint[]) AS part (number, etag, size_bytes))
           SELECT count(*) AS "count!" FROM moved"#,
        upload_id.0,
        epoch,
        to.offset_bytes.cast_signed(),
        to.tail.map(|tail| tail.key.as_str()),
        to.tail.map_or(0, |tail| tail.size_bytes.cast_signed()),
        &numbers,
        &etags,
        &sizes,
        now,
    )
    .fetch_one(conn)
    .await?;
    Ok(moved == 1)
}

/// Notes the length that the client has told late. `false` if the upload was taken or has a length.
#[tracing::instrument(name = "db.resumable_uploads.set_length", skip_all, fields(media.upload_id = %upload_id))]
pub async fn set_length(
    conn: &mut PgConnection,
    upload_id: UploadId,
    epoch: i64,
    plan: &Plan,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "WITH known AS (
           UPDATE resumable_uploads SET length_bytes = $3
           WHERE upload_id = $1 AND epoch = $2 AND length_bytes IS NULL
           RETURNING upload_id)
         UPDATE uploads AS upload SET declared_size_bytes = $3, part_count = $4
         FROM known WHERE upload.upload_id = known.upload_id",
        upload_id.0,
        epoch,
        plan.size_bytes.cast_signed(),
        i32::from(plan.part_count),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Of these uploads those that a request with a lower epoch must leave alone: its epoch is over, or the upload is.
#[tracing::instrument(name = "db.resumable_uploads.lost", skip_all)]
pub async fn lost(
    conn: &mut PgConnection,
    held: &[(UploadId, i64)],
) -> Result<Vec<UploadId>, sqlx::Error> {
    let ids: Vec<uuid::Uuid> = held.iter().map(|(id, _)| id.0).collect();
    let epochs: Vec<i64> = held.iter().map(|(_, epoch)| *epoch).collect();
    let kept = sqlx::query_scalar!(
        "SELECT taken.upload_id
         FROM unnest($1::uuid[], $2::bigint[]) AS held (upload_id, epoch)
         JOIN resumable_uploads AS taken ON taken.upload_id = held.upload_id AND taken.epoch = held.epoch
         JOIN uploads AS upload ON upload.upload_id = held.upload_id
         WHERE upload.completed_at IS NULL AND upload.aborted_at IS NULL",
        &ids,
        &epochs,
    )
    .fetch_all(conn)
    .await?;
    let lost = held.iter().map(|(id, _)| *id);
    Ok(lost.filter(|id| !kept.contains(&id.0)).collect())
}
