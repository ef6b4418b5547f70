//! Telling the workers after a commit, so that they need not find out by looking. Nobody depends on
//! it: no action fails or waits because workers could not be told.

use std::time::Duration;

use sqlx::{PgPool, Postgres, Transaction as SqlTransaction};

use crate::define::ids::LaneId;
use crate::store::error::StoreError;
use crate::{
    admin::AdminError,
    protocol::{failpoints::Failpoint, stop::Stop},
    store::{
        clear::UnderWay, commit::commit, notify, notify_cancelled, notify_queues, session::within,
    },
};

/// Whoever could be told within this time is told.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the workers should hear of, once it is committed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "send them after the commit"]
pub struct Hints {
    /// Queues and lanes with new work.
    queues: Vec<String>,
    lanes: Vec<LaneId>,
    /// Attempts that have to stop.
    stops: Vec<Stop>,
}

impl Hints {
    pub(crate) fn queues(queues: Vec<String>) -> Self {
        Self {
            queues,
            ..Self::default()
        }
    }

    pub(crate) fn lanes(lanes: Vec<LaneId>) -> Self {
        Self {
            lanes,
            ..Self::default()
        }
    }

    /// Attempts that were under way of runs that were taken away.
    pub(crate) fn stopping(under_way: &[UnderWay]) -> Self {
        Self {
            stops: under_way.iter().map(|attempts| attempts.stop).collect(),
            ..Self::default()
        }
    }

    /// What these tell and what the others tell.
    pub fn and(mut self, other: Self) -> Self {
        self.queues.extend(other.queues);
        self.lanes.extend(other.lanes);
        self.stops.extend(other.stops);
        self
    }

    /// Tells the workers, if that is possible now. Call it after the commit.
    pub async fn send(self, pool: &PgPool) {
        let telling = async {
            let mut connection = pool.acquire().await?;
            notify(&mut connection, &self.lanes).await?;
            notify_queues(&mut connection, &self.queues).await?;
            notify_cancelled(&mut connection, &self.stops).await
        };
        if let Err(error) = within(PATIENCE, telling).await {
            tracing::debug!(error = %error, "workers could not be told");
        }
    }
}

/// How long the transaction of an action may stand still. A process that freezes in it must not keep
/// the runs that it has locked.
const STANDSTILL: Duration = Duration::from_secs(5);
/// How long an action waits for somebody else's: longer than somebody may stand still.
const LOCK: Duration = Duration::from_secs(10);

/// Begins an action.
pub(crate) async fn begin(pool: &PgPool) -> Result<SqlTransaction<'static, Postgres>, StoreError> {
    let begin = format!(
        "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '{}ms'; SET LOCAL lock_timeout = '{}ms'",
        STANDSTILL.as_millis(),
        LOCK.as_millis()
    );
    Ok(pool.begin_with(sqlx::AssertSqlSafe(begin)).await?)
}

/// Commits an action and tells the workers of it.
pub(crate) async fn finish(
    pool: &PgPool,
    transaction: SqlTransaction<'_, Postgres>,
    what: Failpoint,
    hints: Hints,
) -> Result<(), AdminError> {
    commit(transaction, &[what]).await?;
    hints.send(pool).await;
    Ok(())
}
