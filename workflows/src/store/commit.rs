//! The one place where the engine commits.

use sqlx::{Postgres, Transaction as SqlTransaction};

use crate::protocol::failpoints::{Failpoint, Side, reach};

/// Commits a transaction that did `what`.
pub(crate) async fn commit(
    transaction: SqlTransaction<'_, Postgres>,
    what: &[Failpoint],
) -> Result<(), sqlx::Error> {
    for kind in what {
        reach(*kind, Side::Before);
    }
    transaction.commit().await?;
    for kind in what {
        reach(*kind, Side::After);
    }
    Ok(())
}
