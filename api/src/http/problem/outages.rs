//! What goes wrong below, as problems: what passes by itself is told from what is a fault of ours.

use storage::StorageError;

use super::Problem;

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed => Self::unavailable(error),
            sqlx::Error::Database(db) if db.code().is_some_and(|code| passes(&code)) => {
                Self::unavailable(error)
            }
            _ => Self::internal(error),
        }
    }
}

/// Whether an error of the database passes by itself (`PostgreSQL`, appendix A): connection, rollback,
/// resources, operator intervention; a server that is a standby still, a transaction that was left
/// idle, a lock that others had for too long.
fn passes(code: &str) -> bool {
    ["08", "40", "53", "57", "25006", "25P03", "55P03"]
        .iter()
        .any(|kind| code.starts_with(kind))
}

impl From<workflows::StoreError> for Problem {
    fn from(error: workflows::StoreError) -> Self {
        match error {
            workflows::StoreError::Sql(error) => error.into(),
            error => Self::unavailable(error),
        }
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        if error.is_outage() {
            Self::unavailable(error)
        } else {
            Self::internal(error)
        }
    }
}

impl From<media::files::MoveError> for Problem {
    fn from(error: media::files::MoveError) -> Self {
        match error {
            media::files::MoveError::Database { source, .. } => source.into(),
            error @ media::files::MoveError::NotAllowed { .. } => Self::internal(error),
        }
    }
}

impl From<workflows::StartError> for Problem {
    fn from(error: workflows::StartError) -> Self {
        // The transaction has rolled back: a retry finds everything as it was.
        Self::unavailable(error)
    }
}
