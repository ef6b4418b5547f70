//! Telling workers of runs that were started, once their transaction is committed.
//!
//! A notification in the transaction itself would be simpler. But `NOTIFY` holds a lock of the whole
//! server until the commit is on disk, so that all starts together would be no faster than one after
//! the other; and it fails when the server's queue of notifications is full.

use std::{collections::HashSet, time::Duration};

use sqlx::{PgConnection, PgPool};
use tokio::{sync::mpsc, time::Instant};

use crate::define::ids::LaneId;
use crate::store::error::StoreError;
use crate::store::{
    self,
    session::{ANSWER, Session, within},
    started,
};

/// Hints that wait to be given. When there are more, workers find the rest by themselves.
const WAITING: usize = 4096;
/// Time between the first two questions whether a start is committed, which doubles with each
/// further one.
const SHORTEST: Duration = Duration::from_millis(1);
const SLOWEST: Duration = Duration::from_millis(100);
/// Time after which a transaction that has not ended is not asked after any more.
const LONGEST: Duration = Duration::from_secs(5);

/// Work that is there when a transaction commits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hint {
    pub lane: LaneId,
    /// Its id, as `pg_current_xact_id` tells it.
    pub transaction: i64,
}

/// Tells workers of started runs, in the background and on a connection of its own. One for a
/// process is enough; clones share it. Hints that are lost cost the workers a second.
#[derive(Debug, Clone)]
pub struct Hints {
    given: mpsc::Sender<Hint>,
}

/// Passes a hint on: to the engine, when it is its transaction, or else to `hints`.
pub(crate) fn give(hints: Option<&Hints>, hint: Hint) {
    if let (false, Some(hints)) = (started::note(hint.lane), hints) {
        let _ = hints.given.try_send(hint);
    }
}

impl Hints {
    /// Hints over a connection like those of `pool`. Ends with its last clone.
    pub fn new(pool: &PgPool) -> Self {
        let lease = Duration::from_secs(30);
        let session = Session::of(&pool.connect_options(), "hints", lease).for_claims();
        let (given, hints) = mpsc::channel(WAITING);
        tokio::spawn(run(session, hints));
        Self { given }
    }
}

async fn run(session: Session, mut hints: mpsc::Receiver<Hint>) {
    let mut connection: Option<PgConnection> = None;
    let mut open: Vec<(Hint, Instant)> = Vec::new();
    let mut wait = SHORTEST;
    loop {
        if open.is_empty() {
            let Some(hint) = hints.recv().await else {
                return;
            };
            open.push((hint, Instant::now()));
            wait = Duration::ZERO;
        }
        tokio::time::sleep(wait).await;
        while let Ok(hint) = hints.try_recv() {
            open.push((hint, Instant::now()));
            wait = SHORTEST;
        }
        match pass_on(&session, &mut connection, &open).await {
            Ok(ended) => {
                open.retain(|(hint, since)| {
                    !ended.contains(&hint.transaction) && since.elapsed() < LONGEST
                });
                wait = (wait * 2).clamp(SHORTEST, SLOWEST);
            }
            Err(error) => {
                tracing::debug!(error = %error, "hints were not given, workers will look");
                connection = None;
                open.clear();
                tokio::time::sleep(SLOWEST).await;
            }
        }
    }
}

async fn pass_on(
    session: &Session,
    connection: &mut Option<PgConnection>,
    open: &[(Hint, Instant)],
) -> Result<HashSet<i64>, StoreError> {
    if connection.is_none() {
        *connection = Some(session.open().await?);
    }
    let Some(connection) = connection else {
        return Ok(HashSet::new());
    };
    let (transactions, lanes): (Vec<i64>, Vec<LaneId>) = open
        .iter()
        .map(|(hint, _)| (hint.transaction, hint.lane))
        .unzip();
    let passing = store::hints::pass_on(connection, &transactions, &lanes);
    Ok(within(ANSWER, passing).await?.into_iter().collect())
}
