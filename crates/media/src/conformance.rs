//! Whether what is served of a film or a sound is right, as it was found before it was served: kept, and shown to its owner.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::{FileId, OwnerId};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Everything that is not as it should be. Of a film that is served, advice alone.
    pub findings: Vec<Finding>,
    /// Rules that could not be looked at, by name.
    pub unchecked: Vec<String>,
    /// Playlists read.
    pub playlists: u64,
    /// Segments read.
    pub segments: u64,
    /// Bytes of the segments.
    pub bytes: u64,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The stable name of the rule.
    pub rule: String,
    /// What it means.
    pub severity: Severity,
    /// The file in question, from the folder of the playlist.
    pub file: String,
    /// What should be.
    pub expected: String,
    /// What is.
    pub found: String,
}

/// What a finding means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The film is not served.
    Error,
    /// Advice that some films cannot follow.
    Warning,
}

/// A report and when it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What was found.
    pub report: Report,
    /// When.
    pub checked_at: DateTime<Utc>,
}

/// Records the report of a file; one that was there before is replaced.
#[tracing::instrument(name = "db.media_conformance.record", skip_all, fields(media.file_id = %file_id))]
pub async fn record(
    conn: &mut PgConnection,
    file_id: FileId,
    report: &Report,
) -> Result<(), sqlx::Error> {
    let report = serde_json::to_value(report).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        "INSERT INTO media_conformance (file_id, report) VALUES ($1, $2)
         ON CONFLICT (file_id) DO UPDATE SET report = excluded.report, checked_at = now()",
        file_id.0,
        report,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The report of an owner's file; `None` for files that have none.
#[tracing::instrument(name = "db.media_conformance.get", skip_all, fields(media.file_id = %file_id))]
pub async fn get(
    conn: &mut PgConnection,
    owner_id: &OwnerId,
    file_id: FileId,
) -> Result<Option<Checked>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT report, checked_at FROM media_conformance JOIN media_files USING (file_id)
         WHERE file_id = $1 AND owner_id = $2 AND deleted_at IS NULL",
        file_id.0,
        owner_id.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        let report = serde_json::from_value(row.report);
        Ok(Checked {
            report: report.map_err(|error| sqlx::Error::Decode(error.into()))?,
            checked_at: row.checked_at,
        })
    })
    .transpose()
}
