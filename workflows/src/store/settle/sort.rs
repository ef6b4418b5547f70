//! Which settlements of a batch are to be written.

use std::collections::{HashMap, HashSet};

use crate::{
    protocol::settlement::{Settlement, Verdict},
    store::{
        lock::Locked,
        settle::{Context, SettleError, Settled},
        writes::Outcome,
    },
};

/// A settlement, or what it became when its writes were refused.
pub(in crate::store) enum Kept<'a> {
    Same(&'a Settlement),
    Other(Settlement),
}

impl Kept<'_> {
    pub fn as_ref(&self) -> &Settlement {
        match self {
            Self::Same(settlement) => settlement,
            Self::Other(settlement) => settlement,
        }
    }
}

/// Which of the batch are to be written, after what came of their writes. The others are noted in
/// `settled`.
pub(super) fn sort<'a>(
    batch: &'a [Settlement],
    locked: &Locked,
    behind: &HashSet<usize>,
    mut written: HashMap<usize, Outcome>,
    context: &Context<'_>,
    settled: &mut Settled,
) -> Result<Vec<(usize, Kept<'a>)>, SettleError> {
    let alone = context.writing.is_none();
    let mut kept = Vec::with_capacity(batch.len());
    for (place, settlement) in batch.iter().enumerate() {
        let free = locked.runs.contains(&settlement.claim.run_id) || alone;
        if !free || behind.contains(&place) {
            settled.busy.insert(place);
            continue;
        }
        let keep = match written.remove(&place) {
            None | Some(Outcome::Written) => Kept::Same(settlement),
            Some(Outcome::Overslept) if alone => return Err(SettleError::Overslept),
            Some(Outcome::Failed(error)) if alone => return Err(SettleError::Refused(error)),
            Some(Outcome::Blocked | Outcome::Overslept) => {
                settled.blocked.insert(place);
                continue;
            }
            Some(Outcome::Failed(error)) => {
                let instead = (context.refused)(settlement, &error);
                if instead.is_alone() {
                    settled.instead.insert(place, instead);
                    continue;
                }
                Kept::Other(instead)
            }
        };
        kept.push((place, keep));
    }
    Ok(kept)
}

/// Those that come after a rejection of their own run. It may end the run for them, and nothing of them
/// may be written then; if it is stale itself, they have their turn.
pub(super) fn behind_a_rejection(batch: &[Settlement]) -> HashSet<usize> {
    let mut rejected = HashSet::new();
    let mut behind = HashSet::new();
    for (place, settlement) in batch.iter().enumerate() {
        let run_id = settlement.claim.run_id;
        if rejected.contains(&run_id) {
            behind.insert(place);
        } else if let Verdict::Reject { .. } = settlement.verdict {
            rejected.insert(run_id);
        }
    }
    behind
}
