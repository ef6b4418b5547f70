//! Runs that the caller's code starts inside a transaction of the engine.

use std::{cell::RefCell, collections::BTreeSet};

use crate::define::ids::LaneId;

tokio::task_local! {
    /// Lanes in which a completing transaction has started runs.
    static STARTED: RefCell<BTreeSet<LaneId>>;
}

/// Notes a lane in which a run was started. `false`: the transaction is not the engine's.
pub(crate) fn note(lane: LaneId) -> bool {
    STARTED
        .try_with(|lanes| lanes.borrow_mut().insert(lane))
        .is_ok()
}

/// Runs a transaction of the engine's and tells in which lanes the caller's code started runs.
pub(crate) async fn collecting<T>(transaction: impl Future<Output = T>) -> (T, BTreeSet<LaneId>) {
    let scope = async {
        let result = transaction.await;
        let lanes = STARTED.with(RefCell::take);
        (result, lanes)
    };
    STARTED.scope(RefCell::default(), scope).await
}
