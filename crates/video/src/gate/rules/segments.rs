//! Rules 1, 2, 3: where segments begin, how long they are, and what they add up to.

use crate::gate::facts::Facts;
use crate::gate::kind::Kind;
use crate::gate::segment::seconds;
use crate::gate::{Findings, Rule};
use crate::plan::Plan;

/// How much longer than the target a segment may be, in seconds (Apple's rule 7.6).
const LONGER: f64 = 0.5;
/// Times that are the same differ by less, in seconds: playlists have six places.
const SAME: f64 = 0.001;

/// Checks all three.
pub fn check(facts: &Facts, plan: &Plan, findings: &mut Findings) {
    let planned = seconds(plan.duration_us(), 1_000_000);
    let segment = seconds(plan.time_us(plan.segment_frames), 1_000_000);
    begin_together(facts, plan, findings);
    are_long_enough(facts, segment, findings);
    add_up(facts, planned, 1.0 / plan.frame_rate.value(), findings);
    pictures(facts, plan, findings);
}

fn begin_together(facts: &Facts, plan: &Plan, findings: &mut Findings) {
    let first = facts
        .of(Kind::Pictures)
        .find_map(|track| track.segments.first());
    let start = first.map_or(0.0, |segment| segment.shown);
    for track in facts.of(Kind::Pictures) {
        for (number, segment) in track.segments.iter().enumerate() {
            let begins = segment.begins_with_idr;
            findings.demand(
                Rule::AlignedIdr,
                begins,
                &segment.file,
                "an IDR picture first",
                "none",
            );
            let more = segment.more_keyframes;
            findings.demand(
                Rule::AlignedIdr,
                !more,
                &segment.file,
                "one IDR picture",
                "several",
            );
            let planned = plan.time_us(number as u64 * plan.segment_frames);
            let planned = start + seconds(planned, 1_000_000);
            let same = (planned - segment.shown).abs() < SAME;
            let (expected, found) = (format!("{planned:.6} s"), format!("{:.6} s", segment.shown));
            findings.demand(Rule::AlignedIdr, same, &segment.file, expected, found);
        }
        let (planned, there) = (plan.segments(), track.segments.len() as u64);
        let (expected, found) = (format!("{planned} segments"), format!("{there} segments"));
        findings.demand(
            Rule::AlignedIdr,
            there == planned,
            &track.part.uri,
            expected,
            found,
        );
    }
}

/// Near to `planned` seconds each.
pub fn are_long_enough(facts: &Facts, planned: f64, findings: &mut Findings) {
    let target = facts
        .tracks
        .first()
        .map_or(0, |track| track.playlist.target);
    for track in &facts.tracks {
        let file = &track.part.uri;
        let own = track.playlist.target;
        let (expected, found) = (format!("target {target} s"), format!("target {own} s"));
        findings.demand(Rule::SegmentLength, own == target, file, expected, found);
        #[expect(clippy::cast_precision_loss, reason = "some seconds")]
        let target = own as f64;
        let last = track.segments.len().saturating_sub(1);
        for (number, segment) in track.segments.iter().enumerate() {
            let length = segment.declared;
            let fits = length <= target + LONGER && length.round() <= target;
            let (expected, found) = (format!("at most {target} s"), format!("{length:.3} s"));
            findings.demand(Rule::SegmentLength, fits, &segment.file, expected, found);
            // All but the last are as long as planned.
            let even = number == last || (length - planned).abs() < LONGER;
            let (expected, found) = (format!("{planned:.3} s"), format!("{length:.3} s"));
            findings.demand(Rule::SegmentLength, even, &segment.file, expected, found);
        }
    }
}

/// To `planned` seconds each, within half a picture or the frames with which sound begins and ends.
pub fn add_up(facts: &Facts, planned: f64, picture: f64, findings: &mut Findings) {
    for track in &facts.tracks {
        // Sound begins a frame early and ends with a whole one.
        let tolerated = match track.kind {
            Kind::Sound => 2.0 * track.sound_frame() + SAME,
            Kind::Pictures | Kind::Keyframes | Kind::Subtitles => picture / 2.0 + SAME,
        };
        let file = &track.part.uri;
        for sum in [track.declared(), track.measured()] {
            let (expected, found) = (format!("{planned:.3} s"), format!("{sum:.3} s"));
            let right = (sum - planned).abs() <= tolerated;
            findings.demand(Rule::Duration, right, file, expected, found);
        }
        for segment in &track.segments {
            let (declared, measured) = (segment.declared, segment.measured);
            let right = (declared - measured).abs() < SAME;
            let (expected, found) = (format!("{measured:.6} s"), format!("{declared:.6} s"));
            findings.demand(Rule::Duration, right, &segment.file, expected, found);
        }
    }
}

/// All pictures of the plan.
fn pictures(facts: &Facts, plan: &Plan, findings: &mut Findings) {
    for track in facts.of(Kind::Pictures) {
        let file = &track.part.uri;
        let frames: u64 = track.segments.iter().map(|segment| segment.samples).sum();
        let all = frames == plan.frames;
        let (expected, found) = (
            format!("{} pictures", plan.frames),
            format!("{frames} pictures"),
        );
        findings.demand(Rule::Duration, all, file, expected, found);
    }
}
