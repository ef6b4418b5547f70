//! Whose fault an error of the database is.
//!
//! Only an error in the data says something about the task. Everything else passes: connections,
//! restarts, failovers, locks, full disks, a schema that is just being migrated.

use std::borrow::Cow;

/// An error that passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Somebody else holds a row: what was done is to be done again, perhaps alone.
    Contention,
    /// The connection, or the server behind it.
    Connection,
}

/// The SQLSTATE of an error.
pub(crate) fn code(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    match error {
        sqlx::Error::Database(error) => error.code(),
        _ => None,
    }
}

/// Whether what was written cannot be stored at all. `PostgreSQL` appendix A, classes 22 (data
/// exception), 23 (integrity constraint violation) and 54 (program limit exceeded).
pub(crate) fn is_data(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(_) => {
            let code = code(error).unwrap_or_default();
            ["22", "23", "54"]
                .iter()
                .any(|class| code.starts_with(class))
        }
        sqlx::Error::Encode(_) => true,
        _ => false,
    }
}

/// Whether a row was waited for in vain, or a statement took too long: with less to do, or later,
/// it may come through. Codes: deadlock, serialization failure, lock not available, query canceled.
pub(crate) fn is_contention(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(_) => {
            let code = code(error).unwrap_or_default();
            ["40P01", "40001", "55P03", "57014"].contains(&&*code)
        }
        sqlx::Error::Io(io) => io.kind() == std::io::ErrorKind::TimedOut,
        _ => false,
    }
}

/// Whether it took too long: a statement, or a pause between two of them. Codes: query canceled, idle
/// in transaction session timeout.
pub(crate) fn is_overslept(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(_) => ["57014", "25P03"].contains(&&*code(error).unwrap_or_default()),
        sqlx::Error::Io(io) => io.kind() == std::io::ErrorKind::TimedOut,
        _ => false,
    }
}

/// What passes. `None`: what was asked was wrong.
pub(crate) fn of(error: &sqlx::Error) -> Option<Weather> {
    if is_contention(error) {
        return Some(Weather::Contention);
    }
    match error {
        sqlx::Error::Database(_) => {
            // Connection, resources, intervention, system; a standby that is not promoted yet.
            let code = code(error).unwrap_or_default();
            let passes = ["08", "53", "57", "58"]
                .iter()
                .any(|class| code.starts_with(class));
            (passes || code == "25006").then_some(Weather::Connection)
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Some(Weather::Connection),
        _ => None,
    }
}
