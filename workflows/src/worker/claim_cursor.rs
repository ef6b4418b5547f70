//! Where the waiting tasks of each key begin.
//!
//! Claimed rows stay in the index of `ready` as dead ones until a vacuum, and no vacuum can remove
//! them while some old transaction is open. A claim that begins at the very front of a key would
//! step over all of them. So after two slow claims from the front, the next ones begin where the last
//! one ended. Now and then one begins at the front again, for keys that are new and for tasks of older
//! runs that came back.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::define::ids::{FairnessHash, LaneId, Rank};
use crate::{protocol::task::Claim, store::claim::Wanted};

/// Time that a claim of no task may take the server before it counts as slow.
const EXPECTED: Duration = Duration::from_millis(10);
/// What each task that a claim brings adds to that.
const EXPECTED_PER_TASK: Duration = Duration::from_micros(60);
/// While claims from the front are slow, at most one part in so many of the time goes to them.
const MAX_SCAN_SHARE: u32 = 30;
/// The cursors are used for so long at most before a claim begins at the front again.
const MAX_CURSOR_AGE: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(crate) struct ClaimCursors {
    /// Rank to begin at, by lane and key.
    ranks: BTreeMap<(LaneId, FairnessHash), Rank>,
    /// The last claim from the front was slow. One may be chance; two in a row switch the cursors on.
    slow: bool,
    /// Until then claims begin at the cursors. `None`: they begin at the front.
    until: Option<Instant>,
}

impl ClaimCursors {
    /// Lane, key and rank at which the next claim begins: for each lane at most as many keys as it has
    /// free slots, first those behind the key that was served last. `None`: begin at the front.
    pub fn known(&self, lanes: &[Wanted]) -> Option<Vec<(LaneId, FairnessHash, Rank)>> {
        self.until.filter(|until| Instant::now() < *until)?;
        let mut known = Vec::new();
        for Wanted {
            lane,
            slots,
            after: served,
            ..
        } in lanes
        {
            let behind = self
                .ranks
                .range((*lane, served.successor())..=(*lane, FairnessHash::MAX));
            let before = self
                .ranks
                .range((*lane, FairnessHash::MIN)..=(*lane, *served));
            let all = behind.chain(before).take(*slots);
            known.extend(all.map(|((lane, key), rank)| (*lane, *key, *rank)));
        }
        Some(known)
    }

    /// Learns from a claim: the tasks that it brought, the time that it took the server, and whether it
    /// began at the front.
    pub fn learn<'a>(
        &mut self,
        claims: impl ExactSizeIterator<Item = (LaneId, &'a Claim)>,
        took: Duration,
        from_the_front: bool,
    ) {
        if from_the_front {
            let count = u32::try_from(claims.len()).unwrap_or(u32::MAX);
            let slow = took > EXPECTED + EXPECTED_PER_TASK.saturating_mul(count);
            let again = std::mem::replace(&mut self.slow, slow) && slow && count > 0;
            self.until =
                again.then(|| Instant::now() + (took * MAX_SCAN_SHARE).min(MAX_CURSOR_AGE));
            self.ranks.clear();
        }
        for (lane, claim) in claims {
            let rank = self
                .ranks
                .entry((lane, claim.fairness_hash))
                .or_insert(claim.rank);
            *rank = claim.rank.max(*rank);
        }
    }

    /// After which time a claim has to begin at the front again. `None`: the next one does.
    pub fn again_in(&self) -> Option<Duration> {
        self.until?.checked_duration_since(Instant::now())
    }
}
