//! Every SQL statement of the engine, compile-time checked, one function a statement or
//! transaction. Lock order is the same everywhere: runs, then leases, each by ascending id.

pub(crate) mod claim;
pub(crate) mod commit;
mod effects;
mod fan_out;
mod history;
pub(crate) mod lanes;
mod letters;
pub(crate) mod lock;
pub(crate) mod presence;
pub(crate) mod rescue;
pub(crate) mod retention;
pub(crate) mod schedules;
pub(crate) mod settle;
pub(crate) mod start;
pub(crate) mod sweep;
pub(crate) mod tasks;

use sqlx::{PgPool, migrate::Migrator};

/// The channel on which commits that made work ready are announced, with the queue as payload.
pub(crate) const CHANNEL: &str = "workflows_ready";
/// The channel on which runs are announced whose attempts have to stop, with the run as payload.
pub(crate) const CANCELLED: &str = "workflows_cancelled";

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
