//! One database connection that is made again when it is lost. Losing it is weather: whoever
//! uses a link logs the error, waits and goes on.

use std::time::Duration;

use rand::Rng;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

/// No internal query takes longer; a half-open connection would otherwise hang for ever.
pub(crate) const QUERY_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) struct Link {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    failures: u32,
}

impl Link {
    pub fn new(options: PgConnectOptions) -> Self {
        Self {
            options,
            connection: None,
            failures: 0,
        }
    }

    /// The connection, and whether it is a new one.
    pub async fn get(&mut self) -> Result<(&mut PgConnection, bool), sqlx::Error> {
        let fresh = self.connection.is_none();
        if fresh {
            let connecting = PgConnection::connect_with(&self.options);
            self.connection = Some(within(QUERY_TIMEOUT, connecting).await?);
        }
        let connection = self.connection.as_mut().ok_or(sqlx::Error::PoolClosed)?;
        Ok((connection, fresh))
    }

    /// Call after a success.
    pub fn mend(&mut self) {
        self.failures = 0;
    }

    /// Drops the connection after an error and says how long to wait before the next try.
    pub fn lose(&mut self) -> Duration {
        self.connection = None;
        self.failures = self.failures.saturating_add(1);
        let bound = Duration::from_millis(100) * 2u32.pow(self.failures.min(4));
        jittered(bound)
    }

    pub async fn close(mut self) {
        if let Some(connection) = self.connection.take() {
            // Best effort: the server notices a vanished client as well.
            let _ = within(QUERY_TIMEOUT, connection.close()).await;
        }
    }
}

/// Between half of `bound` and all of it, so that processes do not fall into step.
pub(crate) fn jittered(bound: Duration) -> Duration {
    bound.mul_f64(rand::rng().random_range(0.5..1.0))
}

/// Bounds a database call in time, on our side of the connection.
pub(crate) async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
        let error = std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer from Postgres");
        Err(sqlx::Error::Io(error))
    })
}

/// True when the statement may have worked with more time, or with less to do.
pub(crate) fn is_too_slow(error: &sqlx::Error) -> bool {
    match error {
        // PostgreSQL appendix A: query_canceled, which a statement timeout is.
        sqlx::Error::Database(db) => db.code().is_some_and(|code| code == "57014"),
        sqlx::Error::Io(io) => io.kind() == std::io::ErrorKind::TimedOut,
        _ => false,
    }
}

/// True for errors that pass: a lost or refused connection, a deadlock, a restart.
pub(crate) fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(db) => db.code().is_some_and(|code| {
            // PostgreSQL appendix A: connection, transaction rollback, resources, intervention.
            ["08", "40", "53", "57"]
                .iter()
                .any(|class| code.starts_with(class))
                || code == "55P03"
        }),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}
