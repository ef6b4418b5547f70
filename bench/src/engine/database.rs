//! One database of the cluster, and what Postgres tells about it.

use std::time::Duration;

use anyhow::Result;
use sqlx::{Connection, PgConnection, PgPool, postgres::PgPoolOptions};

pub struct Database {
    pub name: String,
    pub url: String,
}

/// What a database has used up so far.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct Usage {
    pub commits: i64,
    /// Of the whole cluster: nothing else runs in it meanwhile.
    pub wal_bytes: i64,
}

impl Database {
    pub async fn connect(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(&self.url).await?)
    }

    pub async fn pool(&self, connections: u32) -> Result<PgPool> {
        let pool = PgPoolOptions::new().max_connections(connections);
        Ok(pool.connect(&self.url).await?)
    }

    /// Gives the planner its statistics and begins a new checkpoint, so that every contestant
    /// starts alike.
    pub async fn settle(&self) -> Result<()> {
        let mut connection = self.connect().await?;
        for sql in ["VACUUM ANALYZE", "CHECKPOINT"] {
            sqlx::raw_sql(sql).execute(&mut connection).await?;
        }
        Ok(connection.close().await?)
    }

    /// Asked over a connection to another database of the cluster. Exact when the sessions of interest
    /// have ended: a session reports at its end, and is given the time for that.
    pub async fn usage(&self, admin: &mut PgConnection) -> Result<Usage> {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let sql = "SELECT xact_commit AS commits,
                          pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS wal_bytes
                   FROM pg_stat_database WHERE datname = $1";
        let query = sqlx::query_as(sql).bind(&self.name);
        Ok(query.fetch_one(admin).await?)
    }
}
