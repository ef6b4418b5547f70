//! The schema's state: brought up to this build, or compared with it.

use std::fmt;

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

/// Fails where nobody has ever migrated. A schema that is older than this build is for whoever asks to judge.
pub async fn must_be_ours(pool: &PgPool) -> anyhow::Result<()> {
    let versions = versions(pool).await?;
    ensure!(
        versions.media.is_some() && versions.workflows.is_some(),
        "the database has no schema of mediamill yet: run `mediamill migrate`"
    );
    Ok(())
}

/// The newest migrations that a database has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    media: Option<i64>,
    workflows: Option<i64>,
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none =
            |version: Option<i64>| version.map_or("nothing".to_owned(), |v| v.to_string());
        write!(
            f,
            "media {}, workflows {}",
            or_none(self.media),
            or_none(self.workflows)
        )
    }
}

/// What the database was migrated to.
pub async fn versions(pool: &PgPool) -> anyhow::Result<Versions> {
    let mut connection = pool.acquire().await?;
    Ok(Versions {
        media: if_there(media::schema_version(&mut connection).await)?,
        workflows: if_there(workflows::schema_version(&mut connection).await)?,
    })
}

/// Nothing where there is no table, or nothing in it.
fn if_there<T>(asked: Result<T, sqlx::Error>) -> Result<Option<T>, sqlx::Error> {
    match asked {
        Ok(answer) => Ok(Some(answer)),
        Err(sqlx::Error::RowNotFound) => Ok(None),
        // PostgreSQL, appendix A: undefined_table, invalid_schema_name.
        Err(sqlx::Error::Database(error))
            if error.code().is_some_and(|c| c == "42P01" || c == "3F000") =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn missing(pool: &PgPool, sql: &'static str, wanted: &Migrator) -> anyhow::Result<usize> {
    let applied = if_there(sqlx::query_scalar(sql).fetch_all(pool).await);
    let applied: Vec<i64> = applied
        .context("cannot ask which migrations the database has")?
        .unwrap_or_default();
    let missing = wanted.iter().filter(|m| !applied.contains(&m.version));
    Ok(missing.count())
}
