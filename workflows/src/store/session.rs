//! The engine's own database sessions: every one ends by itself when its process is frozen or gone.
//!
//! The settings are made by a statement after connecting, not by startup parameters: poolers refuse
//! those or drop them in silence.

use std::time::Duration;

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use crate::define::ids::WorkerId;
use crate::store::error::StoreError;
use crate::store::presence;

/// No internal statement takes longer on the server.
pub(crate) const STATEMENT: Duration = Duration::from_secs(4);
/// No internal statement is waited for longer: the connection may be dead without a word.
pub(crate) const ANSWER: Duration = Duration::from_secs(5);
/// The same for a new connection.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a statement waits for a row that somebody else holds.
const LOCK: Duration = Duration::from_secs(2);

/// How long a session may sit idle in a transaction before the server ends it.
pub(crate) fn idle_in_transaction(lease: Duration) -> Duration {
    (lease / 6).clamp(Duration::from_secs(1), Duration::from_secs(5))
}

/// How a part of the engine connects.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    options: PgConnectOptions,
    settings: Vec<(&'static str, String)>,
    /// The worker whose presence the session shows.
    pub worker_id: Option<WorkerId>,
}

impl Session {
    /// Sessions for `part` that lose their transaction well within a `lease` when they freeze.
    pub fn of(options: &PgConnectOptions, part: &str, lease: Duration) -> Self {
        let milliseconds = |time: Duration| time.as_millis().to_string();
        let frozen = idle_in_transaction(lease);
        let off = || "off".to_owned();
        Self {
            options: options
                .clone()
                .application_name(&format!("workflows {part}")),
            settings: vec![
                ("statement_timeout", milliseconds(STATEMENT)),
                ("lock_timeout", milliseconds(LOCK)),
                ("idle_in_transaction_session_timeout", milliseconds(frozen)),
                ("idle_session_timeout", "0".to_owned()),
                ("default_transaction_isolation", "read committed".to_owned()),
                // A host that vanished is noticed in seconds instead of two hours.
                ("client_connection_check_interval", "1000".to_owned()),
                ("tcp_keepalives_idle", "5".to_owned()),
                ("tcp_keepalives_interval", "2".to_owned()),
                ("tcp_keepalives_count", "3".to_owned()),
                ("tcp_user_timeout", "10000".to_owned()),
                // All statements find their rows by index; what the planner knows of tables that
                // fill and empty within seconds is always out of date, and must not tempt it into
                // reading them whole.
                ("enable_seqscan", off()),
                ("enable_bitmapscan", off()),
                ("enable_hashjoin", off()),
                ("enable_mergejoin", off()),
                // Compiling costs more than these short statements take. Postgres would do it all the same: it
                // prices a plan that uses what is "off" above so high that compiling seems to pay.
                ("jit", off()),
            ],
            worker_id: None,
        }
    }

    /// For claims: they need no durable commit, and one plan fits all.
    #[must_use]
    pub fn for_claims(mut self) -> Self {
        self.settings.push(("synchronous_commit", "off".to_owned()));
        let generic = "force_generic_plan".to_owned();
        self.settings.push(("plan_cache_mode", generic));
        self
    }

    /// For statements that may take longer than the engine's own.
    #[must_use]
    pub fn patient(mut self, statement: Duration) -> Self {
        let limit = statement.as_millis().to_string();
        self.settings.push(("statement_timeout", limit));
        self
    }

    /// Shows the worker's presence with each of these sessions.
    #[must_use]
    pub fn of_worker(mut self, worker_id: WorkerId) -> Self {
        self.worker_id = Some(worker_id);
        self
    }

    pub fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// Connects and makes the settings.
    pub async fn open(&self) -> Result<PgConnection, StoreError> {
        let connecting = PgConnection::connect_with(&self.options);
        let mut connection = answered(CONNECT, connecting).await?;
        within(CONNECT, self.set_up(&mut connection)).await?;
        Ok(connection)
    }

    async fn set_up(&self, connection: &mut PgConnection) -> Result<(), StoreError> {
        self.make_settings(connection).await?;
        if let Some(worker_id) = self.worker_id {
            presence::announce(connection, worker_id).await?;
        }
        Ok(())
    }

    async fn make_settings(&self, connection: &mut PgConnection) -> Result<(), StoreError> {
        let (names, values): (Vec<String>, Vec<String>) = self
            .settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .unzip();
        // In the order given, so that a later one wins.
        sqlx::query!(
            "SELECT set_config(name, value, false)
             FROM unnest($1::text[], $2::text[]) AS s (name, value)",
            &names,
            &values,
        )
        .fetch_all(connection)
        .await?;
        Ok(())
    }

    /// Takes away what the caller's code may have left in the session, and makes the settings anew.
    pub async fn reset(&self, connection: &mut PgConnection) -> Result<(), StoreError> {
        // As DISCARD ALL, but for the prepared statements, which our driver counts on.
        let reset = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *;
                     SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES";
        sqlx::raw_sql(reset).execute(&mut *connection).await?;
        self.set_up(connection).await
    }
}

/// What stands between us and Postgres gives each transaction another session.
#[derive(Debug, thiserror::Error)]
#[error(
    "the database connection goes through a pooler in transaction mode, in which sessions and \
     their locks mean nothing: connect to Postgres directly, or through a pooler in session mode"
)]
pub(crate) struct NoSessions;

/// Proves that a connection is a session of its own, and keeps its settings.
pub(crate) async fn prove(session: &Session) -> Result<Result<(), NoSessions>, StoreError> {
    match are_sessions(session).await {
        Ok(true) => Ok(Ok(())),
        Ok(false) => Ok(Err(NoSessions)),
        // Another client's prepared statements are in what should be our session, or ours are not.
        Err(error) if is_mixed_up(&error) => Ok(Err(NoSessions)),
        Err(error) => Err(error),
    }
}

/// Codes: `duplicate_prepared_statement`, `invalid_sql_statement_name`.
fn is_mixed_up(error: &StoreError) -> bool {
    matches!(error.code().as_deref(), Some("42P05" | "26000"))
}

async fn are_sessions(session: &Session) -> Result<bool, StoreError> {
    let mut first = session.open().await?;
    let mut second = session.open().await?;
    let mut pids = Vec::new();
    for one in [true, false, true, true, false] {
        let connection = if one { &mut first } else { &mut second };
        let asking = sqlx::query!(
            r#"SELECT pg_backend_pid() AS "pid!", current_setting('statement_timeout') AS "limit!""#
        );
        let answer = answered(ANSWER, asking.fetch_one(connection)).await?;
        pids.push((one, answer.pid, answer.limit));
    }
    let of = |one| pids.iter().filter(move |(first, ..)| *first == one);
    let steady = |one| {
        let mut seen = of(one).map(|(_, pid, _)| *pid);
        let pid = seen.next();
        seen.all(|other| Some(other) == pid)
            .then_some(pid)
            .flatten()
    };
    let limits_kept = pids
        .iter()
        .all(|(.., limit)| *limit == pids[0].2 && limit != "0");
    let apart = matches!((steady(true), steady(false)), (Some(a), Some(b)) if a != b);
    let closing = async { futures::join!(first.close(), second.close()) };
    let _ = tokio::time::timeout(CONNECT, closing).await;
    Ok(apart && limits_kept)
}

/// Bounds a call of the driver in time, as [`within`] does one of the engine's.
pub(crate) async fn answered<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(StoreError::NoAnswer(limit)),
    }
}

/// Bounds a database call in time, on our side of the connection.
pub(crate) async fn within<T, E: From<StoreError>>(
    limit: Duration,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::time::timeout(limit, call)
        .await
        .unwrap_or_else(|_| Err(StoreError::NoAnswer(limit).into()))
}
