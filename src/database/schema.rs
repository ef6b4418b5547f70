//! The schema's state: brought up to this build, or compared with it.

use anyhow::{Context, ensure};
use sqlx::{PgPool, migrate::Migrator, postgres::PgPoolOptions};

/// A migration takes the time it takes, and waits for another process's to end.
const PATIENT: [(&str, &str); 3] = [
    ("statement_timeout", "0"),
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
];

/// Brings both schemas up to this build.
pub async fn migrate(pool: &PgPool) -> anyhow::Result<()> {
    let options = (*pool.connect_options()).clone().options(PATIENT);
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await
        .context("cannot connect to the database")?;
    media::MIGRATOR
        .run(&pool)
        .await
        .context("cannot migrate the domain's schema")?;
    workflows::migrate(&pool)
        .await
        .context("cannot migrate the engine's schema")?;
    pool.close().await;
    Ok(())
}

/// Fails unless both schemas have everything that this build asks for. They may have more: a newer
/// build is about to follow.
pub async fn must_be_migrated(pool: &PgPool) -> anyhow::Result<()> {
    let domain = "SELECT version FROM _sqlx_migrations WHERE success";
    let missing = missing(pool, domain, &media::MIGRATOR).await?;
    ensure!(
        missing == 0,
        "the database is not up to this build ({missing} migrations are missing): run `mediamill migrate`"
    );
    let mut connection = pool.acquire().await?;
    Ok(workflows::check_schema(&mut connection).await?)
}

async fn missing(pool: &PgPool, sql: &'static str, wanted: &Migrator) -> anyhow::Result<usize> {
    let applied: Vec<i64> = match sqlx::query_scalar(sql).fetch_all(pool).await {
        // PostgreSQL, appendix A: undefined_table, invalid_schema_name.
        Err(sqlx::Error::Database(error))
            if error.code().is_some_and(|c| c == "42P01" || c == "3F000") =>
        {
            Vec::new()
        }
        answer => answer.context("cannot ask which migrations the database has")?,
    };
    let missing = wanted.iter().filter(|m| !applied.contains(&m.version));
    Ok(missing.count())
}
