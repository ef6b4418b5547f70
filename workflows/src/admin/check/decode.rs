//! Whether a build can read what was written. No step runs.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::admin::check::{Build, Known, Problem, Spot};
use crate::define::ids::RunId;

/// The input of a task or of a dead letter.
#[derive(Debug)]
pub(super) struct Sample {
    pub spot: Spot,
    pub run_id: RunId,
    /// The input as JSON text.
    pub input: String,
}

/// Runs to name.
const RUNS: usize = 10;

/// Lists the steps of `build` that cannot read all of their samples. Steps that it does not have are
/// passed over.
pub(super) fn undecodable(build: &Build, samples: &[Sample]) -> Vec<Problem> {
    let mut by_spot: BTreeMap<&Spot, Vec<&Sample>> = BTreeMap::new();
    for sample in samples {
        by_spot.entry(&sample.spot).or_default().push(sample);
    }
    let tried = by_spot.into_iter().filter_map(|(spot, samples)| {
        let known = build.find(spot)?;
        let refused = samples.iter().filter_map(|sample| {
            let error = refusal(known, &sample.input)?;
            Some((sample.run_id, error))
        });
        let (mut runs, errors): (Vec<RunId>, Vec<String>) = refused.unzip();
        runs.truncate(RUNS);
        Some(Problem::Undecodable {
            spot: spot.clone(),
            refused: errors.len(),
            tried: samples.len(),
            runs,
            error: errors.into_iter().next()?,
        })
    });
    tried.collect()
}

/// Why the step cannot read the input, if it cannot.
fn refusal(known: &Known, input: &str) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(|| (known.accepts)(input))) {
        Ok(read) => read.err().map(|error| error.to_string()),
        Err(_) => Some("its own code panics".to_owned()),
    }
}
