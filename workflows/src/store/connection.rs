//! One database connection that is made again when it is lost. Losing it is weather: whoever
//! uses a link logs the error, waits and goes on.

use std::time::Duration;

use rand::Rng;
use sqlx::{Connection, PgConnection};

use crate::store::error::StoreError;
use crate::store::session::{Session, answered};

/// How long closing a connection may take. The server notices a vanished client as well.
const CLOSE: Duration = Duration::from_secs(1);

pub(crate) struct Link {
    session: Session,
    connection: Option<PgConnection>,
    failures: u32,
}

impl Link {
    pub fn new(session: Session) -> Self {
        Self {
            session,
            connection: None,
            failures: 0,
        }
    }

    /// The connection, and whether it is a new one.
    pub async fn get(&mut self) -> Result<(&mut PgConnection, bool), StoreError> {
        let fresh = self.connection.is_none();
        if fresh {
            self.connection = Some(self.session.open().await?);
        }
        let connection = self.connection.as_mut().ok_or(StoreError::NotConnected)?;
        Ok((connection, fresh))
    }

    /// The connection, without anything that the caller's code may have left in its session.
    pub async fn clean(&mut self) -> Result<&mut PgConnection, StoreError> {
        let (_, fresh) = self.get().await?;
        let connection = self.connection.as_mut().ok_or(StoreError::NotConnected)?;
        if !fresh {
            self.session.reset(connection).await?;
        }
        Ok(connection)
    }

    /// Call after a success.
    pub fn reset_backoff(&mut self) {
        self.failures = 0;
    }

    /// Drops the connection after an error and says how long to wait before the next try.
    pub fn disconnect(&mut self) -> Duration {
        self.connection = None;
        self.failures = self.failures.saturating_add(1);
        // Soon at first: a session that was cut off must not be missed by others.
        let bound = Duration::from_millis(25) * 2u32.pow(self.failures.min(6));
        jittered(bound)
    }

    pub async fn close(mut self) {
        if let Some(connection) = self.connection.take() {
            let _ = answered(CLOSE, connection.close()).await;
        }
    }
}

/// Between half of `bound` and all of it, so that processes do not fall into step.
pub(crate) fn jittered(bound: Duration) -> Duration {
    bound.mul_f64(rand::rng().random_range(0.5..1.0))
}
