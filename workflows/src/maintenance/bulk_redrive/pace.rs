//! How much of a re-drive is done at once, and what is looked at next. No I/O.

use std::collections::HashSet;

use uuid::Uuid;

use crate::define::ids::{LetterId, RunId};
use crate::store::letters::Candidate;

/// How many letters one step takes: fewer after a time-out, more again while all goes well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Batch(i64);

impl Batch {
    const LARGEST: i64 = 500;

    pub fn size(self) -> i64 {
        self.0
    }

    /// A step came to its end.
    pub fn went_well(&mut self) {
        self.0 = (self.0 + self.0 / 4 + 1).min(Self::LARGEST);
    }

    /// A step took too long, or failed: the next one does less.
    pub fn failed(&mut self) {
        self.0 = (self.0 / 4).max(1);
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self(Self::LARGEST)
    }
}

/// Where a round through the letters stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Round {
    /// The last letter that was looked at.
    pub position: Option<LetterId>,
    /// Behind this letter the next round begins: somebody had locked a run there. The nil id is the
    /// beginning.
    pub again_from: Option<LetterId>,
}

impl Round {
    /// Steps over `candidates`, of which the runs in `locked` are ours, and returns those letters.
    pub fn take<'a>(
        &mut self,
        candidates: &'a [Candidate],
        locked: &HashSet<RunId>,
    ) -> Vec<&'a Candidate> {
        let mut taken = Vec::with_capacity(candidates.len());
        for letter in candidates {
            if locked.contains(&letter.run_id) {
                taken.push(letter);
            } else if self.again_from.is_none() {
                self.again_from = Some(self.position.unwrap_or(LetterId(Uuid::nil())));
            }
            self.position = Some(letter.letter_id);
        }
        taken
    }

    /// The end of the letters was reached. `true`: nothing was left out; `false`: another round
    /// begins.
    pub fn end(&mut self) -> bool {
        match self.again_from.take() {
            None => true,
            Some(position) => {
                self.position = Some(position);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(runs: &[u128]) -> Vec<Candidate> {
        let letter = |(place, run): (usize, &u128)| Candidate {
            letter_id: LetterId(Uuid::from_u128(place as u128 + 1)),
            run_id: RunId(Uuid::from_u128(*run)),
            step: "step".to_owned(),
        };
        runs.iter().enumerate().map(letter).collect()
    }

    fn locked(runs: &[u128]) -> HashSet<RunId> {
        runs.iter()
            .map(|run| RunId(Uuid::from_u128(*run)))
            .collect()
    }

    #[test]
    fn what_others_have_locked_is_seen_to_in_the_next_round() {
        let all = letters(&[10, 20, 30, 40]);
        let mut round = Round::default();
        let taken = round.take(&all, &locked(&[10, 40]));
        assert_eq!(taken, [&all[0], &all[3]]);
        assert_eq!(round.position, Some(all[3].letter_id));
        assert!(!round.end());
        // Behind the last letter before the first that was left out.
        assert_eq!(round.position, Some(all[0].letter_id));
        assert_eq!(
            round.take(&all[1..3], &locked(&[20, 30])),
            [&all[1], &all[2]]
        );
        assert!(round.end());
    }

    #[test]
    fn a_round_that_begins_with_a_locked_run_begins_anew() {
        let all = letters(&[10]);
        let mut round = Round::default();
        assert!(round.take(&all, &locked(&[])).is_empty());
        assert!(!round.end());
        assert_eq!(round.position, Some(LetterId(Uuid::nil())));
    }

    #[test]
    fn a_batch_shrinks_to_one_and_grows_again() {
        let mut batch = Batch::default();
        assert_eq!(batch.size(), 500);
        for _ in 0..10 {
            batch.failed();
        }
        assert_eq!(batch.size(), 1);
        for _ in 0..40 {
            batch.went_well();
        }
        assert_eq!(batch.size(), 500);
    }
}
