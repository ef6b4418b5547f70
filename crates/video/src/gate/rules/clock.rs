//! Rule 12: clocks go on without a gap, and pictures and sound begin together.

use crate::gate::facts::{Facts, Track};
use crate::gate::kind::Kind;
use crate::gate::{Findings, Rule};
use crate::plan::Plan;

/// Checks that the times of all renditions agree.
pub fn check(facts: &Facts, plan: &Plan, findings: &mut Findings) {
    let picture = 1.0 / plan.frame_rate.value();
    goes_on(facts, findings);
    begins_together(facts, picture, findings);
}

/// No gap between two segments.
pub fn goes_on(facts: &Facts, findings: &mut Findings) {
    let tracks = || facts.of(Kind::Pictures).chain(facts.of(Kind::Sound));
    for track in tracks() {
        for pair in track.segments.windows(2) {
            let end = pair[0].decoded + pair[0].ticks;
            let begin = pair[1].decoded;
            let (expected, found) = (format!("tick {end}"), format!("tick {begin}"));
            findings.demand(Rule::Clock, begin == end, &pair[1].file, expected, found);
        }
    }
}

/// All tracks within a picture or a frame of sound of the first.
pub fn begins_together(facts: &Facts, picture: f64, findings: &mut Findings) {
    let tracks = || facts.of(Kind::Pictures).chain(facts.of(Kind::Sound));
    let Some(first) = tracks().find_map(|track| track.segments.first()) else {
        return;
    };
    let sound = tracks().map(Track::sound_frame).fold(0.0, f64::max);
    let tolerated = sound.max(picture) + 0.001;
    for segment in tracks().filter_map(|track| track.segments.first()) {
        let together = (segment.shown - first.shown).abs() <= tolerated;
        let (expected, found) = (
            format!("{:.4} s", first.shown),
            format!("{:.4} s", segment.shown),
        );
        findings.demand(Rule::Clock, together, &segment.file, expected, found);
    }
}
