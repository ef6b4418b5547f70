//! Records that are a closure of the test, and are declared one way or the other.

use futures::future::BoxFuture;
use sqlx::PgConnection;
use workflows::{BoxError, Done, Record};

/// What a step says of its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declared {
    /// It needs a transaction of its own.
    Any,
    /// It may share one ([`Record::SHARES_COMMIT`]), whether that is true or not.
    OwnRows,
}

impl Declared {
    pub fn recording<O, W>(self, done: Done<O>, write: W) -> Done<O>
    where
        Recorded<false, W>: Record,
        Recorded<true, W>: Record,
    {
        match self {
            Self::Any => done.recording(Recorded::<false, W>(write)),
            Self::OwnRows => done.recording(Recorded::<true, W>(write)),
        }
    }
}

pub struct Recorded<const SHARES: bool, W>(W);

impl<const SHARES: bool, W> Record for Recorded<SHARES, W>
where
    W: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<(), BoxError>>
        + Send
        + Sync
        + 'static,
{
    const SHARES_COMMIT: bool = SHARES;

    async fn record(&self, tx: &mut PgConnection) -> Result<(), BoxError> {
        (self.0)(tx).await
    }
}
