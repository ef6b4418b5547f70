//! The domain: what a file, an upload and a variant are, the rules they keep, their SQL, and every object key.
//!
//! What this is not: it knows no HTTP and no workflow engine. Functions that change state take a connection, so that
//! callers can join them with the engine's work in one transaction.

pub mod api_keys;
pub mod audio;
pub mod buckets;
mod checksum;
pub mod conformance;
pub mod document;
pub mod filename;
pub mod files;
pub mod formats;
mod ids;
pub mod keys;
pub mod limits;
mod object_key;
pub mod owners;
mod placeholder;
pub mod plans;
pub mod pool;
pub mod recipes;
pub mod rejection;
pub mod request_rates;
pub mod times;
pub mod type_rules;
pub mod upload_tokens;
pub mod uploads;
pub mod variants;
mod warning;

pub use self::checksum::{InvalidSha256, Sha256};
pub use self::ids::{FileId, InvalidOwnerId, OwnerId, UploadId};
pub use self::object_key::{InvalidObjectKey, ObjectKey};
pub use self::placeholder::{Color, Placeholder};
pub use self::rejection::{RejectedAt, Rejection, RejectionCode, UnknownRejectionCode};
pub use self::warning::Warning;

use sqlx::{PgConnection, migrate::Migrator};

/// The domain's schema. The engine brings its own.
///
/// An older build leaves what a newer one migrated alone: see `migrations/README.md`.
pub static MIGRATOR: Migrator = Migrator {
    ignore_missing: true,
    ..sqlx::migrate!("../../migrations")
};

/// Version of the newest migration that the database has. Fails where it has none.
pub async fn schema_version(conn: &mut PgConnection) -> Result<i64, sqlx::Error> {
    // Not checked at compile time: sqlx makes this table when it migrates.
    let newest = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version DESC LIMIT 1";
    sqlx::query_scalar(newest).fetch_one(conn).await
}
