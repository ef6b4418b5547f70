//! The database as every process of ours uses it: the pool that the API, the steps and the commands
//! share, and the schema's state. The engine's own connections are the engine's business.

mod config;
mod schema;
mod silence;

use std::{io, time::Duration};

use anyhow::Context;
use backon::{ExponentialBuilder, Retryable};
use sqlx::{
    ConnectOptions, Connection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;

pub use self::config::DatabaseConfig;
pub use self::schema::{migrate, must_be_migrated, must_be_ours, versions};
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

/// How long the first connection may take.
const FIRST_CONNECTION: Duration = Duration::from_secs(5);

/// A pool of at most so many connections to the database at `url`.
pub async fn connect(url: &str, connections: u32) -> anyhow::Result<PgPool> {
    let options: PgConnectOptions = url
        .parse()
        .context("MEDIAMILL_DATABASE_URL cannot be read")?;
    let options = options.application_name("mediamill").options(SESSION);
    reachable(&options).await?;
    let silence = LastSilence::default();
    PgPoolOptions::new()
        .max_connections(connections)
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
        .context("cannot connect to the database (MEDIAMILL_DATABASE_URL)")
}

/// The first connection is made by hand: the pool would try one that is refused again and again, and then say that it
/// timed out, and not why. A few tries are for a server that is just starting.
async fn reachable(options: &PgConnectOptions) -> anyhow::Result<()> {
    let connect = || async {
        let connecting = timeout(FIRST_CONNECTION, options.connect());
        connecting.await.unwrap_or_else(|late| {
            let late = io::Error::new(io::ErrorKind::TimedOut, late);
            Err(sqlx::Error::Io(late))
        })
    };
    let patience = ExponentialBuilder::default().with_max_times(4);
    let refused = |error: &sqlx::Error| matches!(error, sqlx::Error::Io(e) if e.kind() != io::ErrorKind::TimedOut);
    let connection = connect
        .retry(patience.with_min_delay(Duration::from_millis(200)))
        .when(refused)
        .await;
    let connection = connection.with_context(|| {
        let socket = options.get_socket().map(|path| path.display().to_string());
        let host = socket.unwrap_or_else(|| options.get_host().to_owned());
        format!(
            "cannot connect to the database at {host}, port {} (MEDIAMILL_DATABASE_URL)",
            options.get_port()
        )
    })?;
    connection.close().await?;
    Ok(())
}
