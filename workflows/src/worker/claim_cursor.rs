//! Where the waiting tasks of each key begin.
//!
//! Claimed rows stay in the index of `ready` as dead ones until a vacuum, and no vacuum can remove
//! them while some old transaction is open. A claim that begins at the very front of a key would
//! step over all of them. So when two looks from the front were dear, the next ones begin where the
//! last one ended, and only now and then one looks from the front again: for keys that are new, and
//! for tasks of older runs that came back.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::{protocol::task::Claim, store::claim::Wanted};

/// A look costs the server this much anyway, and this much for each task that it brings.
const USUAL: Duration = Duration::from_millis(10);
const USUAL_EACH: Duration = Duration::from_micros(60);
/// Looks from the front take at most this part of the time.
const PART: u32 = 15;
/// And this is the longest time without one.
const LONGEST: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(crate) struct Fronts {
    /// Rank to begin at, by lane and key.
    ranks: BTreeMap<(i32, i64), i64>,
    /// The last look from the front was dear. One may be chance, two are not.
    dear: bool,
    /// Until then looks begin at the fronts.
    until: Option<Instant>,
}

impl Fronts {
    /// Lane, key and rank to look at, at most `most` of each lane and those behind the key served
    /// last first; or `None`: look from the front.
    pub fn known(&self, lanes: &[Wanted]) -> Option<Vec<(i32, i64, i64)>> {
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
                .range((*lane, served.saturating_add(1))..=(*lane, i64::MAX));
            let before = self.ranks.range((*lane, i64::MIN)..=(*lane, *served));
            let all = behind.chain(before).take(*slots);
            known.extend(all.map(|((lane, key), rank)| (*lane, *key, *rank)));
        }
        Some(known)
    }

    /// Learns from a look: what it brought, how long it took the server, whether it was from the front.
    pub fn learn<'a>(
        &mut self,
        claims: impl ExactSizeIterator<Item = (i32, &'a Claim)>,
        took: Duration,
        from_the_front: bool,
    ) {
        if from_the_front {
            let count = u32::try_from(claims.len()).unwrap_or(u32::MAX);
            let dear = took > USUAL + USUAL_EACH.saturating_mul(count);
            let again = std::mem::replace(&mut self.dear, dear) && dear && count > 0;
            self.until = again.then(|| Instant::now() + (took * PART).min(LONGEST));
            self.ranks.clear();
        }
        for (lane, claim) in claims {
            let rank = self.ranks.entry((lane, claim.key)).or_insert(claim.rank);
            *rank = claim.rank.max(*rank);
        }
    }

    /// When to look from the front again, if looks do not begin there now.
    pub fn again_in(&self) -> Option<Duration> {
        self.until?.checked_duration_since(Instant::now())
    }
}
