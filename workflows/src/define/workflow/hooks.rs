//! What a workflow's owner is told of its runs, in the transactions in which it happens.

use futures::future::BoxFuture;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::define::ids::RunId;
use crate::define::{record::BoxError, step::Rejection};

/// Told when a run ends or lives again, as part of the transaction that does it, whoever brings it
/// about: a step, an operator, the end of patience. The value carries what the hooks need of settings.
pub trait RunHooks: Send + Sync + 'static {
    /// Runs in the transaction that ends a run, or that leaves it dead. The transaction is that run's
    /// alone.
    ///
    /// # Errors
    /// The run then does not end: the attempt counts as failed, and is repeated.
    fn ended(
        &self,
        _tx: &mut PgConnection,
        _end: RunEnd,
    ) -> impl Future<Output = Result<(), BoxError>> + Send {
        async { Ok(()) }
    }

    /// Runs in the transaction in which a run goes on that was dead, or starts again that had ended.
    ///
    /// # Errors
    /// That then does not happen: whoever asked for it is told why.
    fn revived(
        &self,
        _tx: &mut PgConnection,
        _revival: Revival,
    ) -> impl Future<Output = Result<(), BoxError>> + Send {
        async { Ok(()) }
    }
}

/// [`RunHooks`] behind one type.
pub(crate) trait Hooked: Send + Sync {
    fn ended<'c>(
        &'c self,
        tx: &'c mut PgConnection,
        end: RunEnd,
    ) -> BoxFuture<'c, Result<(), BoxError>>;

    fn revived<'c>(
        &'c self,
        tx: &'c mut PgConnection,
        revival: Revival,
    ) -> BoxFuture<'c, Result<(), BoxError>>;
}

impl<H: RunHooks> Hooked for H {
    fn ended<'c>(
        &'c self,
        tx: &'c mut PgConnection,
        end: RunEnd,
    ) -> BoxFuture<'c, Result<(), BoxError>> {
        Box::pin(RunHooks::ended(self, tx, end))
    }

    fn revived<'c>(
        &'c self,
        tx: &'c mut PgConnection,
        revival: Revival,
    ) -> BoxFuture<'c, Result<(), BoxError>> {
        Box::pin(RunHooks::revived(self, tx, revival))
    }
}

/// How a run ended, as its hook sees it.
#[derive(Debug, Clone)]
pub struct RunEnd {
    /// The run that has ended, or lives again.
    pub run_id: RunId,
    /// What it was about.
    pub subject: Uuid,
    /// How it ended.
    pub outcome: Outcome,
}

/// The ways in which a run ends, and the one in which it waits for somebody.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The last step is done.
    Succeeded,
    /// A step refused the input.
    Rejected(Rejected),
    /// A task went to the dead letters. The run has not ended: it can be re-driven.
    Dead {
        /// The step that died.
        step: String,
        /// Its last error.
        error: String,
    },
    /// An operator cancelled it or discarded its dead letter.
    Cancelled {
        /// The actor's name, as in the audit.
        by: String,
        /// The reason that the actor gave.
        reason: String,
    },
}

/// The rejection of a run, as its hook sees it.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// The step that refused.
    pub step: &'static str,
    /// What it said of the input.
    pub rejection: Rejection,
}

/// A run that lives again, as its hook sees it.
#[derive(Debug, Clone)]
pub struct Revival {
    /// The run that has ended, or lives again.
    pub run_id: RunId,
    /// What it is about.
    pub subject: Uuid,
    /// The step that it starts again from; `None` when it goes on where it died.
    pub from_step: Option<String>,
}
