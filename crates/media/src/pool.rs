//! Connections that are borrowed from a pool and are back within a limit, or their place is.
//!
//! The pool of sqlx 0.9 asks a connection that comes back how it is, and waits without limit for the
//! answer: one that has fallen silent keeps its place in the pool for good (sqlx issue 4349). When
//! sqlx has a limit of its own, this room goes.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use sqlx::{PgConnection, PgPool, Postgres, pool::PoolConnection};
use tokio::{runtime::Handle, time::timeout};

/// How long a connection may take to come back: to roll back what was left open, and to answer. It is
/// not in use any more; after this long it is closed.
const RETURN: Duration = Duration::from_secs(2);

/// A connection out of a pool, for a while.
#[derive(Debug)]
pub struct Borrowed(PoolConnection<Postgres>);

/// Borrows a connection. What `pool.acquire()` does, with a limit on the way back.
pub async fn borrow(pool: &PgPool) -> Result<Borrowed, sqlx::Error> {
    pool.acquire().await.map(Borrowed)
}

impl Deref for Borrowed {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Borrowed {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        let returning = self.0.return_to_pool();
        // Outside of a runtime it is dropped here and now, which closes it.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(timeout(RETURN, returning));
        }
    }
}
