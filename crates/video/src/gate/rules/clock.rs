//! Rule 12: clocks go on without a gap, and pictures and sound begin together.

use crate::gate::facts::Facts;
use crate::gate::kind::Kind;
use crate::gate::{Findings, Rule};
use crate::plan::Plan;

/// A frame of AAC, in seconds.
const SOUND_FRAME: f64 = 1024.0 / 48_000.0;

/// Checks it.
pub fn check(facts: &Facts, plan: &Plan, findings: &mut Findings) {
    let tracks = || facts.of(Kind::Pictures).chain(facts.of(Kind::Sound));
    for track in tracks() {
        for pair in track.segments.windows(2) {
            let end = pair[0].decoded + pair[0].ticks;
            let begin = pair[1].decoded;
            let (expected, found) = (format!("tick {end}"), format!("tick {begin}"));
            findings.demand(Rule::Clock, begin == end, &pair[1].file, expected, found);
        }
    }
    let Some(first) = facts
        .of(Kind::Pictures)
        .next()
        .and_then(|track| track.segments.first())
    else {
        return;
    };
    let tolerated = SOUND_FRAME.max(1.0 / plan.frame_rate.value()) + 0.001;
    for segment in tracks().filter_map(|track| track.segments.first()) {
        let together = (segment.shown - first.shown).abs() <= tolerated;
        let (expected, found) = (
            format!("{:.4} s", first.shown),
            format!("{:.4} s", segment.shown),
        );
        findings.demand(Rule::Clock, together, &segment.file, expected, found);
    }
}
