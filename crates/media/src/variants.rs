//! Derived outputs of a file: recorded together when the file becomes ready, listed for its owner.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::ObjectKey;
use crate::formats::OutputFormat;
use crate::{Color, FileId, Placeholder};

/// What a variant is for. The string is a contract: never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "variant_kind", rename_all = "snake_case")]
pub enum VariantKind {
    /// The image at its own size.
    Full,
    /// A smaller version.
    Thumbnail,
    /// The film or the sound, to be played: the playlist that leads to all others.
    Playlist,
    /// A still of the film.
    Poster,
    /// Some seconds of the film, as an animated picture.
    Preview,
    /// Small pictures of the whole film: which part of which sheet to show when.
    Storyboard,
    /// The sound in one file, to be played without playlists.
    Audio,
    /// The peaks of the sound: as numbers in the format of `audiowaveform`, or as a picture.
    Waveform,
    /// The picture that came with the sound.
    Cover,
    /// A page of the document.
    Page,
    /// The image at its own size, with a gain map: on screens that can, it is brighter than white.
    Hdr,
    /// The film in one file, to be played without playlists.
    Video,
}

impl VariantKind {
    /// The name in the database, which must never change.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Thumbnail => "thumbnail",
            Self::Playlist => "playlist",
            Self::Poster => "poster",
            Self::Preview => "preview",
            Self::Storyboard => "storyboard",
            Self::Audio => "audio",
            Self::Waveform => "waveform",
            Self::Cover => "cover",
            Self::Page => "page",
            Self::Hdr => "hdr",
            Self::Video => "video",
        }
    }
}

/// A variant as a worker reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewVariant {
    /// What it is for.
    pub kind: VariantKind,
    /// How it is encoded.
    pub format: OutputFormat,
    /// Pixels, for what has a picture.
    pub width: Option<u32>,
    /// Pixels, for what has a picture.
    pub height: Option<u32>,
    /// The number of the page, from 1, for what shows one.
    pub page: Option<u32>,
    /// What to show while it is loading, for what shows one of several pages.
    pub placeholder: Option<Placeholder>,
    /// Bits per second, for what has a duration.
    pub bitrate: Option<u64>,
    /// Where it lies in the origin bucket.
    pub storage_path: ObjectKey,
    pub size_bytes: u64,
}

/// A recorded variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// What it is for.
    pub kind: VariantKind,
    /// How it is encoded.
    pub format: OutputFormat,
    /// Pixels.
    pub width: Option<i32>,
    /// Pixels.
    pub height: Option<i32>,
    /// The number of the page, from 1, of what shows one.
    pub page: Option<i32>,
    /// What to show while it is loading, of what shows a page.
    pub placeholder: Option<Placeholder>,
    /// Bits per second.
    pub bitrate: Option<i64>,
    /// Key in the origin bucket.
    pub storage_path: String,
    pub size_bytes: i64,
}

/// Makes these the file's variants, all of them: what was recorded before is replaced, so a repeat does no harm.
#[tracing::instrument(name = "db.media_variants.record", skip_all, fields(media.file_id = %file_id))]
pub async fn record(
    conn: &mut PgConnection,
    file_id: FileId,
    variants: &[NewVariant],
) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM media_variants WHERE file_id = $1", file_id.0)
        .execute(&mut *conn)
        .await?;
    for variant in variants {
        let placeholder = variant.placeholder.as_ref();
        sqlx::query!(
            "INSERT INTO media_variants
                 (file_id, kind, format, width, height, page, bitrate, storage_path, size_bytes,
                  placeholder_thumbhash, placeholder_color)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            file_id.0,
            variant.kind as VariantKind,
            variant.format as OutputFormat,
            variant.width.map(u32::cast_signed),
            variant.height.map(u32::cast_signed),
            variant.page.map(u32::cast_signed),
            variant.bitrate.map(u64::cast_signed),
            variant.storage_path.as_str(),
            variant.size_bytes.cast_signed(),
            placeholder.map(|placeholder| placeholder.thumbhash.as_slice()),
            placeholder.map(|placeholder| placeholder.color.to_number()),
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// A file's variants: full ones first, pages in their order, then wider before narrower, and of one size what every
/// browser shows before what newer ones do.
#[tracing::instrument(name = "db.media_variants.list", skip_all, fields(media.file_id = %file_id))]
pub async fn list(conn: &mut PgConnection, file_id: FileId) -> Result<Vec<Variant>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT kind AS "kind: VariantKind", format AS "format: OutputFormat",
                  width, height, page, bitrate, storage_path, size_bytes,
                  placeholder_thumbhash, placeholder_color
           FROM media_variants
           WHERE file_id = $1
           ORDER BY kind, page NULLS FIRST, width DESC NULLS LAST, format, storage_path"#,
        file_id.0,
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    let variants = rows.map(|row| Variant {
        kind: row.kind,
        format: row.format,
        width: row.width,
        height: row.height,
        page: row.page,
        placeholder: row.placeholder_thumbhash.zip(row.placeholder_color).map(
            |(thumbhash, color)| Placeholder {
                thumbhash,
                color: Color::from_number(color),
            },
        ),
        bitrate: row.bitrate,
        storage_path: row.storage_path,
        size_bytes: row.size_bytes,
    });
    Ok(variants.collect())
}
