//! What a connection costs that has fallen silent: no answer, no error, no end. A firewall that
//! forgot it is enough, or a failover to another host; our kernel tells us a quarter of an hour later.
//!
//! The pool of sqlx 0.9 asks a connection how it is when it is taken out and when it is given back,
//! and waits without limit for the answer. So, unless something is done about it,
//! - a silent connection that is taken out costs its request all the time it has to get one, and
//!   each request gets rid of one;
//! - one that is given back, by a request that gave up waiting, is never given back: its place in the
//!   pool is lost until the kernel gives up, if it does, and with twenty of them the pool is.
//!
//! Here both questions have a limit. That of the way back is needed twice: [`media::pool`] has one for
//! all of it, which is what requests and steps use; the one here is for whoever takes a connection from
//! the pool itself, and cannot reach the pool's own question, which comes straight after ours.
//!
//! Nobody can tell a statement that is being worked on from one that never arrived: a request in the
//! middle of one waits for its own deadline.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, timeout};

/// How long a connection may take to say that it is there. It is asked each time: on a busy pool every
/// connection was in use a moment ago, and not to ask would leave no place that works.
const ANSWER: Duration = Duration::from_secs(1);

/// When a connection was last asked that turned out to be silent. What has lain idle since before then
/// went the same way, most likely, and is closed unasked: the next requests need not find it out one
/// by one.
#[derive(Debug, Clone, Default)]
pub struct LastSilence(Arc<Mutex<Option<Instant>>>);

impl LastSilence {
    /// Whether a connection that has lain idle for so long can be used. With `false` or an error the
    /// pool closes it and opens another one, for the same request.
    pub async fn usable(
        &self,
        connection: &mut PgConnection,
        idle_for: Duration,
    ) -> Result<bool, sqlx::Error> {
        if self
            .last()
            .is_some_and(|silence| silence.elapsed() < idle_for)
        {
            return Ok(false);
        }
        let asked = Instant::now();
        let answer = answer(connection).await;
        if answer.as_ref().is_err_and(is_silence) {
            let mut last = self.last();
            *last = (*last).max(Some(asked));
        }
        answer.map(|()| true)
    }

    fn last(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a connection can go back into the pool. What its last user queued, such as a rollback, is
/// sent with the question; a statement that its user did not wait for is not waited for here either.
pub async fn returnable(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    answer(connection).await.map(|()| true)
}

async fn answer(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let answer = timeout(ANSWER, connection.ping()).await;
    answer.unwrap_or_else(|late| {
        let error = io::Error::new(io::ErrorKind::TimedOut, late);
        Err(sqlx::Error::Io(error))
    })
}

fn is_silence(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut)
}
