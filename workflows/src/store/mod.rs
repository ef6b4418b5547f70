//! Every SQL statement of the engine, compile-time checked, one function a statement or
//! transaction. Lock order is the same everywhere: runs, then leases, each by ascending id.

pub(crate) mod claim;
mod effects;
mod fan_out;
mod lock;
pub(crate) mod presence;
pub(crate) mod rescue;
pub(crate) mod settle;
pub(crate) mod start;
mod tasks;

use sqlx::{PgPool, migrate::Migrator};

/// The channel on which commits that made work ready are announced, with the queue as payload.
pub(crate) const CHANNEL: &str = "workflows_ready";

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// Brings the engine's schema (`workflows`) up to this build. Safe to call from many processes.
pub async fn migrate(pool: &PgPool) -> Result<(), sqlx::migrate::MigrateError> {
    let mut migrator = Migrator {
        migrations: MIGRATOR.migrations.clone(),
        ..Migrator::DEFAULT
    };
    migrator.dangerous_set_table_name("workflows._sqlx_migrations");
    migrator.create_schema("workflows");
    migrator.run(pool).await
}

/// Announces queues with new work, in the transaction that made it.
pub(crate) async fn notify(
    connection: &mut sqlx::PgConnection,
    queues: &[String],
) -> Result<(), sqlx::Error> {
    if !queues.is_empty() {
        sqlx::query!(
            "SELECT pg_notify($1, queue) FROM unnest($2::text[]) queue",
            CHANNEL,
            queues
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}
