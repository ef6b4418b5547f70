//! Limits of queues over all processes: how many of its tasks run at once, in all and of one fairness
//! key, and how many steps begin in a second. For what stands behind a queue and is not ours (a
//! scanner, a store, somebody's API) and for owners who must not have it all.
//!
//! A limit holds from its commit on for whatever is claimed, and what runs by then counts. Workers learn
//! of it within about a second, and claim nothing from the queue until then. Tasks of a queue with
//! limits cost a few round trips more each; other queues notice nothing.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::define::ids::FairnessHash;
use crate::store::error::StoreError;
use crate::{
    admin::{
        Actor, AdminError, Conflict, Hints, check_reason,
        hints::{begin, finish},
        queues,
    },
    protocol::failpoints::Failpoint,
    store::{audit, limits},
};

/// What a queue may. At least one of them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Limit {
    /// Tasks that run at once.
    pub concurrency: Option<u32>,
    /// Tasks of one fairness key that run at once.
    pub per_key: Option<u32>,
    /// Steps that begin in a second, on average. A quarter of a second's may begin at once.
    pub per_second: Option<f64>,
}

impl Limit {
    fn check(&self) -> Result<(), Conflict> {
        let counts = [self.concurrency, self.per_key];
        if counts.iter().flatten().any(|count| *count == 0) {
            return Err(Conflict::LimitOfNone);
        }
        if counts
            .iter()
            .flatten()
            .any(|count| i32::try_from(*count).is_err())
        {
            return Err(Conflict::LimitTooHigh);
        }
        match self.per_second {
            Some(rate) if !(1e-6..=1e6).contains(&rate) => Err(Conflict::LimitRate),
            None if counts == [None, None] => Err(Conflict::LimitOfNothing),
            _ => Ok(()),
        }
    }
}

/// A queue with a limit.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitEntry {
    /// Name of the queue.
    pub queue: String,
    /// What it may.
    pub limit: Limit,
    /// Tasks that run now.
    pub running: i64,
    /// Steps that the rate would allow to begin now.
    pub may_begin: Option<f64>,
    /// When the limit was set last.
    pub set_at: DateTime<Utc>,
    /// The actor's name, as in the audit.
    pub set_by: String,
    /// The reason that the actor gave.
    pub reason: String,
}

/// All queues that have limits, by name.
pub async fn list(pool: &PgPool) -> Result<Vec<LimitEntry>, AdminError> {
    let rows = limits::list(pool).await?;
    let count = |count: Option<i32>| count.and_then(|count| u32::try_from(count).ok());
    let entries = rows.into_iter().map(|row| LimitEntry {
        queue: row.queue,
        limit: Limit {
            concurrency: count(row.concurrency),
            per_key: count(row.per_key),
            per_second: row.per_second,
        },
        running: row.running,
        may_begin: row.may_begin,
        set_at: row.set_at,
        set_by: row.set_by,
        reason: row.reason,
    });
    Ok(entries.collect())
}

/// Limits a queue, in place of the limit that it had.
pub async fn set(
    pool: &PgPool,
    queue: &str,
    limit: Limit,
    by: Actor<'_>,
) -> Result<(), AdminError> {
    let mut transaction = begin(pool).await?;
    let hints = set_in(&mut transaction, queue, limit, by).await?;
    finish(pool, transaction, Failpoint::Limit, hints).await
}

/// [`set`] as part of the caller's transaction.
pub async fn set_in(
    tx: &mut PgConnection,
    queue: &str,
    limit: Limit,
    by: Actor<'_>,
) -> Result<Hints, AdminError> {
    check_reason(by)?;
    limit.check()?;
    queues::must_exist(tx, queue).await?;
    let count = |count: Option<u32>| count.and_then(|count| i32::try_from(count).ok());
    let rule = limits::Rule {
        concurrency: count(limit.concurrency),
        per_key: count(limit.per_key),
        per_second: limit.per_second,
    };
    limits::set(tx, queue, &rule, by).await?;
    audit::record(tx, by, "queue.limit", queue, json!(limit)).await?;
    Ok(Hints::default())
}

/// Takes the limit from a queue.
pub async fn remove(pool: &PgPool, queue: &str, by: Actor<'_>) -> Result<(), AdminError> {
    let mut transaction = begin(pool).await?;
    let hints = remove_in(&mut transaction, queue, by).await?;
    finish(pool, transaction, Failpoint::Limit, hints).await
}

/// [`remove`] as part of the caller's transaction.
pub async fn remove_in(
    tx: &mut PgConnection,
    queue: &str,
    by: Actor<'_>,
) -> Result<Hints, AdminError> {
    check_reason(by)?;
    if !limits::remove(tx, queue).await? {
        return Err(Conflict::QueueNotLimited(queue.to_owned()).into());
    }
    audit::record(tx, by, "queue.unlimit", queue, json!({})).await?;
    Ok(Hints::queues(vec![queue.to_owned()]))
}

/// Which limit holds a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldBy {
    /// As many tasks of the queue run as may.
    Concurrency,
    /// As many tasks of its fairness key run as may.
    Key,
    /// The rate is used up.
    Rate,
}

/// The limits, by queue, for [`explain`](crate::admin::explain).
pub(super) async fn by_queue(pool: &PgPool) -> Result<HashMap<String, LimitEntry>, AdminError> {
    let entries = list(pool).await?.into_iter();
    Ok(entries.map(|entry| (entry.queue.clone(), entry)).collect())
}

impl LimitEntry {
    /// What of it holds the tasks of a key, if anything does.
    pub(super) async fn holds(
        &self,
        pool: &PgPool,
        fairness_hash: FairnessHash,
    ) -> Result<Option<HeldBy>, StoreError> {
        let used_up =
            |most: Option<u32>, running: i64| most.is_some_and(|most| running >= most.into());
        if used_up(self.limit.concurrency, self.running) {
            return Ok(Some(HeldBy::Concurrency));
        }
        if self.limit.per_key.is_some() {
            let of_key = limits::running_of_key(pool, &self.queue, fairness_hash).await?;
            if used_up(self.limit.per_key, of_key) {
                return Ok(Some(HeldBy::Key));
            }
        }
        let rate = self.may_begin.is_some_and(|steps| steps < 1.0);
        Ok(rate.then_some(HeldBy::Rate))
    }
}
