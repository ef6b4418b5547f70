//! The database as every process of ours uses it: the pool that the API, the steps and the commands
//! share, and the schema's state. The engine's own connections are the engine's business.

mod schema;
mod silence;

use std::time::Duration;

use anyhow::Context;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

pub use self::schema::{migrate, must_be_migrated};
use self::silence::{LastSilence, returnable};

/// No session of ours keeps what others need for long, whatever becomes of its process: one that is
/// frozen in a transaction loses the session, one that vanished is noticed. A server on the same
/// machine, behind a unix socket, has no use for the limits of TCP and ignores them.
const SESSION: [(&str, &str); 8] = [
    ("statement_timeout", "30s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "15s"),
    // Looks after half a minute at most whether a client that says nothing is still there,
    ("tcp_keepalives_idle", "15s"),
    ("tcp_keepalives_interval", "5s"),
    ("tcp_keepalives_count", "3"),
    // or takes what it is sent,
    ("tcp_user_timeout", "20s"),
    // also in the middle of a statement.
    ("client_connection_check_interval", "5s"),
];

/// A pool on the database at `url`.
pub async fn connect(url: &str) -> anyhow::Result<PgPool> {
    let options: PgConnectOptions = url.parse().context("the database address cannot be read")?;
    let options = options.application_name("mediamill").options(SESSION);
    let silence = LastSilence::default();
    PgPoolOptions::new()
        .max_connections(20)
        .acquire_timeout(Duration::from_secs(10))
        // The pool's own test has no limit in time; these have.
        .test_before_acquire(false)
        .before_acquire(move |connection, now| {
            let silence = silence.clone();
            Box::pin(async move { silence.usable(connection, now.idle_for).await })
        })
        .after_release(|connection, _| Box::pin(returnable(connection)))
        .connect_with(options)
        .await
        .context("cannot connect to the database")
}
