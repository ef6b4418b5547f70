//! Which completions of a batch are to be written.

use std::collections::{HashMap, HashSet};

use crate::{
    protocol::completion::{Completion, Decision},
    store::{
        complete::{CompleteError, Completed, Context},
        lock::Locked,
        writes::Outcome,
    },
};

/// A completion, or what it became when its writes were refused.
pub(in crate::store) enum Kept<'a> {
    Same(&'a Completion),
    Other(Completion),
}

impl Kept<'_> {
    pub fn as_ref(&self) -> &Completion {
        match self {
            Self::Same(completion) => completion,
            Self::Other(completion) => completion,
        }
    }
}

/// Which of the batch are to be written, after what came of their writes. The others are noted in
/// `completed`.
pub(super) fn sort<'a>(
    batch: &'a [Completion],
    locked: &Locked,
    behind: &HashSet<usize>,
    mut written: HashMap<usize, Outcome>,
    context: &Context<'_>,
    completed: &mut Completed,
) -> Result<Vec<(usize, Kept<'a>)>, CompleteError> {
    let alone = context.writing.is_none();
    let mut kept = Vec::with_capacity(batch.len());
    for (place, completion) in batch.iter().enumerate() {
        let free = locked.runs.contains(&completion.claim.run_id) || alone;
        if !free || behind.contains(&place) {
            completed.busy.insert(place);
            continue;
        }
        let keep = match written.remove(&place) {
            None | Some(Outcome::Written) => Kept::Same(completion),
            Some(Outcome::Overslept) if alone => return Err(CompleteError::Overslept),
            Some(Outcome::Failed(error)) if alone => return Err(CompleteError::Refused(error)),
            Some(Outcome::Blocked | Outcome::Overslept) => {
                completed.blocked.insert(place);
                continue;
            }
            Some(Outcome::Failed(error)) => {
                let instead = (context.refused)(completion, &error);
                if instead.is_alone() {
                    completed.instead.insert(place, instead);
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
pub(super) fn behind_a_rejection(batch: &[Completion]) -> HashSet<usize> {
    let mut rejected = HashSet::new();
    let mut behind = HashSet::new();
    for (place, completion) in batch.iter().enumerate() {
        let run_id = completion.claim.run_id;
        if rejected.contains(&run_id) {
            behind.insert(place);
        } else if let Decision::Reject { .. } = completion.decision {
            rejected.insert(run_id);
        }
    }
    behind
}
