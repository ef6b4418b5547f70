//! What a sound is, as its owner may know it once it is ready.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::FileId;

/// What was found when the sound was decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Its length in microseconds, counted sample by sample.
    pub duration_us: u64,
    /// Channels of the original.
    pub channels: u32,
    /// Samples of the original in a second.
    pub sample_rate: u32,
    /// The codec of the original by its short name, such as `mp3` or `flac`.
    pub codec: String,
}

/// Records the facts of a file; those that were there before are replaced.
#[tracing::instrument(name = "db.media_audio.record", skip_all, fields(media.file_id = %file_id))]
pub async fn record(
    conn: &mut PgConnection,
    file_id: FileId,
    facts: &Facts,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO media_audio (file_id, duration_us, channels, sample_rate, codec) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (file_id) DO UPDATE
         SET duration_us = excluded.duration_us, channels = excluded.channels, sample_rate = excluded.sample_rate,
             codec = excluded.codec",
        file_id.0,
        facts.duration_us.cast_signed(),
        facts.channels.cast_signed(),
        facts.sample_rate.cast_signed(),
        facts.codec,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The facts of a file that is a sound and was ready once. Whose file it is was asked before.
#[tracing::instrument(name = "db.media_audio.load", skip_all, fields(media.file_id = %file_id))]
pub async fn load(conn: &mut PgConnection, file_id: FileId) -> Result<Option<Facts>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT duration_us, channels, sample_rate, codec FROM media_audio WHERE file_id = $1",
        file_id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Facts {
        duration_us: row.duration_us.cast_unsigned(),
        channels: row.channels.cast_unsigned(),
        sample_rate: row.sample_rate.cast_unsigned(),
        codec: row.codec,
    }))
}
