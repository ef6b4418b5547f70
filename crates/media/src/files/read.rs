//! Reading files. Ownership is part of the `WHERE`: another owner's file does not exist.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::error::BoxDynError;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Facts, File, FileStatus, Outcome, Published, Stopped};
use crate::{Color, FileId, OwnerId, Placeholder, RejectedAt, Rejection, RejectionCode, Warning};

/// A place in an owner's list: the page after this file, which sorts by creation, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Creation of the last file seen.
    pub created_at: DateTime<Utc>,
    /// The last file seen.
    pub file_id: FileId,
}

/// A row as stored. Turning it into a [`File`] checks what the types promise.
struct Row {
    file_id: Uuid,
    owner_id: String,
    upload_id: Uuid,
    filename: String,
    declared_mime_type: String,
    declared_size_bytes: i64,
    metadata: Json<BTreeMap<String, String>>,
    mime_type: Option<String>,
    size_bytes: Option<i64>,
    status: FileStatus,
    storage_path: Option<String>,
    main_key: Option<String>,
    placeholder_thumbhash: Option<Vec<u8>>,
    placeholder_color: Option<i32>,
    checksum_sha256: Option<Vec<u8>>,
    rejection_code: Option<RejectionCode>,
    rejection_message: Option<String>,
    rejection_limit: Option<String>,
    rejection_measured: Option<String>,
    rejection_step: Option<String>,
    warnings: Vec<String>,
    stopped: Option<Stopped>,
    deleted: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for File {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        let read = || -> Result<Self, BoxDynError> {
            let facts = match (row.mime_type, row.size_bytes, row.checksum_sha256) {
                (Some(mime_type), Some(size_bytes), Some(sha256)) => Some(Facts {
                    mime_type,
                    size_bytes: size_bytes.try_into()?,
                    sha256: sha256.as_slice().try_into()?,
                }),
                _ => None,
            };
            Ok(Self {
                file_id: row.file_id.into(),
                owner_id: OwnerId::new(row.owner_id)?,
                upload_id: row.upload_id.into(),
                filename: row.filename,
                declared_mime_type: row.declared_mime_type,
                declared_size_bytes: row.declared_size_bytes.try_into()?,
                metadata: row.metadata.0,
                status: row.status,
                outcome: Outcome::of(row.status, row.stopped),
                deleted: row.deleted,
                facts,
                published: row
                    .storage_path
                    .zip(row.main_key)
                    .map(|(storage_path, main_key)| Published {
                        storage_path,
                        main_key,
                    }),
                placeholder: row.placeholder_thumbhash.zip(row.placeholder_color).map(
                    |(thumbhash, color)| Placeholder {
                        thumbhash,
                        color: Color::from_number(color),
                    },
                ),
                rejection: row.rejection_code.map(|code| RejectedAt {
                    rejection: Rejection {
                        code,
                        message: row.rejection_message.unwrap_or_default(),
                        limit: row.rejection_limit,
                        measured: row.rejection_measured,
                    },
                    step: row.rejection_step.unwrap_or_default(),
                }),
                warnings: row
                    .warnings
                    .iter()
                    .filter_map(|code| Warning::known(code))
                    .collect(),
                created_at: row.created_at,
                updated_at: row.updated_at,
            })
        };
        read().map_err(sqlx::Error::Decode)
    }
}

/// An owner's file.
#[tracing::instrument(name = "db.media_files.get", skip_all, fields(media.file_id = %file_id))]
pub async fn get(
    conn: &mut PgConnection,
    owner_id: &OwnerId,
    file_id: FileId,
) -> Result<Option<File>, sqlx::Error> {
    sqlx::query_file_as!(Row, "src/files/get.sql", file_id.0, owner_id.as_str())
        .fetch_optional(conn)
        .await?
        .map(TryInto::try_into)
        .transpose()
}

/// Anybody's file, for workers, which are handed ids by the engine and not by clients.
#[tracing::instrument(name = "db.media_files.load", skip_all, fields(media.file_id = %file_id))]
pub async fn load(conn: &mut PgConnection, file_id: FileId) -> Result<Option<File>, sqlx::Error> {
    sqlx::query_file_as!(Row, "src/files/load.sql", file_id.0)
        .fetch_optional(conn)
        .await?
        .map(TryInto::try_into)
        .transpose()
}

/// An owner's files, newest first: at most `limit`, after `cursor`, of one status and one outcome if asked for.
#[tracing::instrument(name = "db.media_files.list", skip_all, fields(media.owner_id = %owner_id))]
pub async fn list(
    conn: &mut PgConnection,
    owner_id: &OwnerId,
    cursor: Option<Cursor>,
    limit: u32,
    status: Option<FileStatus>,
    outcome: Option<Outcome>,
) -> Result<Vec<File>, sqlx::Error> {
    sqlx::query_file_as!(
        Row,
        "src/files/list.sql",
        owner_id.as_str(),
        status as Option<FileStatus>,
        cursor.map(|cursor| cursor.created_at),
        cursor.map(|cursor| cursor.file_id.0),
        i64::from(limit),
        outcome.map(Outcome::as_str),
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}
