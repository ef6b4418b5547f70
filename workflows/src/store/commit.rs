//! The one place where the engine commits.

use sqlx::{Postgres, Transaction as SqlTransaction};

use crate::protocol::failpoints::{Moment, Transaction, reach};

/// Commits a transaction that did `what`.
pub(crate) async fn commit(
    transaction: SqlTransaction<'_, Postgres>,
    what: &[Transaction],
) -> Result<(), sqlx::Error> {
    for kind in what {
        reach(*kind, Moment::Before);
    }
    transaction.commit().await?;
    for kind in what {
        reach(*kind, Moment::After);
    }
    Ok(())
}
