//! The engine's schema: bringing it up to this build, and whether builds and schemas fit together.
//!
//! A schema only grows while builds that do not know the growth are at work, so that an older build
//! goes on beside a newer one, and can come back. When a migration takes something away, it writes
//! the level that a build must have from then on into `workflows.schema_compatibility`.

use crate::store::error::StoreError;
use std::collections::BTreeSet;

use sqlx::{
    PgConnection, PgPool,
    migrate::{MigrateError as SqlxError, Migrator},
};

/// What this build can work with: raised by one when a build learns to do without something that a
/// later migration takes away. `migrations/README.md` says how the two go together.
pub const SCHEMA_LEVEL: i32 = 1;

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// Where sqlx records what was applied.
const RECORD: &str = "workflows._sqlx_migrations";

/// Why the schema could not be brought up to this build.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A newer build has taken something away that this one needs.
    #[error(transparent)]
    TooNew(#[from] SchemaTooNew),
    /// No release made it.
    #[error(transparent)]
    Unreleased(#[from] SchemaUnreleased),
    /// A migration failed, or one that was applied has been changed since.
    #[error("the engine's schema could not be migrated")]
    Migration(#[from] SqlxError),
    /// The database refused or was lost.
    #[error("the database could not be asked for its schema")]
    Database(#[from] StoreError),
}

impl From<sqlx::Error> for MigrateError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

/// The database has the engine's tables as a state of the development before the first release made them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the database has the engine's schema of a development state before the first release (migration \
     {version}), which cannot be brought up to this build: start with a new database, or drop the schema \
     `workflows` and lose its runs"
)]
pub struct SchemaUnreleased {
    /// A migration that was applied and that no release has.
    pub version: i64,
}

/// Why this build cannot work on the database.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Nobody has migrated it.
    #[error("the database has no engine schema: run workflows::migrate (mediamill migrate) first")]
    NotMigrated,
    /// It was migrated, but not by this build or a newer one.
    #[error(
        "the database's engine schema is older than this build ({0} migrations are missing): \
         run workflows::migrate (mediamill migrate) first"
    )]
    TooOld(usize),
    /// A newer build has taken something away that this one needs.
    #[error(transparent)]
    TooNew(#[from] SchemaTooNew),
    /// No release made it.
    #[error(transparent)]
    Unreleased(#[from] SchemaUnreleased),
    /// The database refused or was lost.
    #[error("the database could not be asked for its schema")]
    Database(#[from] StoreError),
}

impl From<sqlx::Error> for SchemaError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

/// The schema is one that this build cannot work with any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the database was migrated by a newer build that this one cannot work with (it needs level \
     {needed}, this build has {has}): deploy that build or a newer one"
)]
pub struct SchemaTooNew {
    /// The level that the database asks of builds.
    pub needed: i32,
    /// The [`SCHEMA_LEVEL`] of this build.
    pub has: i32,
}

/// Brings the engine's schema (`workflows`) up to this build. Safe to call from many processes, and by
/// an older build than the one that migrated last, as long as it can work with what that one made.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    let mut connection = pool.acquire().await?;
    if exists(&mut connection, RECORD).await? {
        refuse_unreleased(&applied(&mut connection).await?)?;
    }
    refuse_newer(&mut connection).await??;
    let mut migrator = Migrator {
        migrations: MIGRATOR.migrations.clone(),
        ..Migrator::DEFAULT
    };
    migrator.dangerous_set_table_name(RECORD);
    migrator.create_schema("workflows");
    // Those of newer builds. They have said above that this one may go on.
    migrator.set_ignore_missing(true);
    let migrated = migrator.run(&mut *connection).await;
    if migrated.is_err() {
        // The lock that keeps other migrators out would stay with the connection.
        connection.close_on_drop();
    }
    Ok(migrated?)
}

/// Whether this build can work on the database as it is. Changes nothing.
pub async fn check_schema(connection: &mut PgConnection) -> Result<(), SchemaError> {
    if !exists(connection, RECORD).await? {
        return Err(SchemaError::NotMigrated);
    }
    let applied = applied(connection).await?;
    refuse_unreleased(&applied)?;
    refuse_newer(connection).await??;
    let ours = MIGRATOR.iter().map(|migration| migration.version);
    match ours.filter(|version| !applied.contains(version)).count() {
        0 => Ok(()),
        missing if missing == MIGRATOR.iter().count() => Err(SchemaError::NotMigrated),
        missing => Err(SchemaError::TooOld(missing)),
    }
}

/// Version of the newest migration that the database has. Fails where it has none.
pub async fn schema_version(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    // Not checked at compile time: sqlx makes this table when it migrates.
    let newest = "SELECT version FROM workflows._sqlx_migrations WHERE success ORDER BY version DESC LIMIT 1";
    sqlx::query_scalar(newest).fetch_one(connection).await
}

/// Versions of the migrations that were applied.
async fn applied(connection: &mut PgConnection) -> Result<BTreeSet<i64>, StoreError> {
    // Not checked at compile time: sqlx makes this table when it migrates.
    let applied = "SELECT version FROM workflows._sqlx_migrations WHERE success";
    let applied: Vec<i64> = sqlx::query_scalar(applied).fetch_all(connection).await?;
    Ok(applied.into_iter().collect())
}

/// Migrations are never taken back, so one that is older than the first of ours is of no release.
fn refuse_unreleased(applied: &BTreeSet<i64>) -> Result<(), SchemaUnreleased> {
    let first = MIGRATOR.iter().map(|migration| migration.version).min();
    match (applied.first(), first) {
        (Some(&version), Some(first)) if version < first => Err(SchemaUnreleased { version }),
        _ => Ok(()),
    }
}

async fn refuse_newer(
    connection: &mut PgConnection,
) -> Result<Result<(), SchemaTooNew>, StoreError> {
    if !exists(connection, "workflows.schema_compatibility").await? {
        return Ok(Ok(()));
    }
    // Several rows or none would be the work of a newer build, too.
    let needed = sqlx::query_scalar!(
        r#"SELECT max(oldest_build) AS "needed?" FROM workflows.schema_compatibility"#
    );
    let needed = needed.fetch_one(connection).await?.unwrap_or_default();
    Ok(if needed > SCHEMA_LEVEL {
        let has = SCHEMA_LEVEL;
        Err(SchemaTooNew { needed, has })
    } else {
        Ok(())
    })
}

async fn exists(connection: &mut PgConnection, table: &str) -> Result<bool, StoreError> {
    let exists = sqlx::query_scalar!(r#"SELECT to_regclass($1) IS NOT NULL AS "exists!""#, table);
    Ok(exists.fetch_one(connection).await?)
}
