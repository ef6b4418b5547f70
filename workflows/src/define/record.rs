//! What a step writes in the transaction that completes it.

use futures::future::BoxFuture;
use sqlx::PgConnection;

/// Any error of a step or of its writes.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Facts that a step writes in the transaction that completes it: they are stored together with its
/// result, or not at all.
///
/// ```
/// # use workflows::{BoxError, Record};
/// /// A parcel is on its way.
/// struct Sent {
///     order: uuid::Uuid,
///     grams: i64,
/// }
///
/// impl Record for Sent {
///     async fn record(&self, tx: &mut sqlx::PgConnection) -> Result<(), BoxError> {
///         let sql = "INSERT INTO parcels (order_id, grams) VALUES ($1, $2)";
///         sqlx::query(sql).bind(self.order).bind(self.grams).execute(tx).await?;
///         Ok(())
///     }
/// }
/// ```
///
/// A step hands them over by [`Done::recording`](crate::Done::recording).
pub trait Record: Send + Sync + 'static {
    /// Whether the transaction may be shared with other attempts, which is many times faster. Say yes
    /// where [`record`](Self::record) touches only rows of its own run, which no other run's step
    /// locks, and sets nothing for the session or the transaction.
    ///
    /// Otherwise the transaction is this attempt's alone: what it locks or sets for the session
    /// (`SET LOCAL`, temporary tables, advisory locks) meets no other attempt's. A row that somebody
    /// else holds is waited for, at no charge.
    const SHARES_COMMIT: bool = false;

    /// Writes them. It may be called again when the transaction has to be repeated.
    ///
    /// It must be short, and find its rows by index: the run is locked meanwhile, and the
    /// connection's planner is set against reading whole tables.
    ///
    /// # Errors
    /// Whatever the caller says: the attempt has failed, and another follows as after
    /// [`StepError::Retry`](crate::StepError::Retry).
    fn record(&self, tx: &mut PgConnection) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// A [`Record`] behind one type.
pub(crate) trait Write: Send + Sync {
    fn write<'c>(&'c self, tx: &'c mut PgConnection) -> BoxFuture<'c, Result<(), BoxError>>;
}

impl<R: Record> Write for R {
    fn write<'c>(&'c self, tx: &'c mut PgConnection) -> BoxFuture<'c, Result<(), BoxError>> {
        Box::pin(self.record(tx))
    }
}
