//! The one place where the engine commits.

use sqlx::{Postgres, Transaction as SqlTransaction};

use crate::protocol::failpoints::{Failpoint, Side, reach};
use crate::store::error::StoreError;

/// Commits a transaction that did `what`.
pub(crate) async fn commit(
    transaction: SqlTransaction<'_, Postgres>,
    what: &[Failpoint],
) -> Result<(), StoreError> {
    for kind in what {
        reach(*kind, Side::Before);
    }
    transaction.commit().await?;
    for kind in what {
        reach(*kind, Side::After);
    }
    Ok(())
}
