//! Rules 4, 5, 13: what playlists must say, and which there must be.

use crate::gate::facts::Facts;
use crate::gate::kind::Kind;
use crate::gate::{Findings, Rule};
use crate::hls::MASTER;

/// The version from which maps are allowed without further conditions.
const VERSION: u64 = 6;

/// Checks all three.
pub fn check(facts: &Facts, findings: &mut Findings) {
    let version = facts.master.version;
    let (expected, found) = (
        format!("version {VERSION} or later"),
        format!("version {version}"),
    );
    findings.demand(Rule::Complete, version >= VERSION, MASTER, expected, found);
    for track in &facts.tracks {
        let (file, playlist) = (&track.part.uri, &track.playlist);
        let mut must =
            |holds, what: &str| findings.demand(Rule::Complete, holds, file, what, "it is missing");
        must(playlist.vod, "EXT-X-PLAYLIST-TYPE:VOD");
        must(playlist.ended, "EXT-X-ENDLIST");
        must(!playlist.segments.is_empty(), "segments");
        must(
            track.kind == Kind::Subtitles || playlist.map.is_some(),
            "EXT-X-MAP",
        );
        let version = playlist.version;
        let (expected, found) = (
            format!("version {VERSION} or later"),
            format!("version {version}"),
        );
        findings.demand(Rule::Complete, version >= VERSION, file, expected, found);
    }
    let each_says_so = facts
        .of(Kind::Pictures)
        .all(|track| track.playlist.independent);
    let independent = facts.master.independent || each_says_so;
    let tag = "EXT-X-INDEPENDENT-SEGMENTS";
    findings.demand(Rule::Independent, independent, MASTER, tag, "it is missing");
    keyframes(facts, findings);
}

/// Every rung has a playlist of keyframes whose ranges end where the keyframes do.
fn keyframes(facts: &Facts, findings: &mut Findings) {
    let wanted = facts.of(Kind::Pictures).count();
    let there = facts.of(Kind::Keyframes).count();
    let (expected, found) = (
        format!("{wanted} playlists of keyframes"),
        format!("{there}"),
    );
    findings.demand(
        Rule::Keyframes,
        there >= wanted.min(1),
        MASTER,
        expected.clone(),
        found.clone(),
    );
    findings.advise(Rule::Keyframes, there == wanted, MASTER, expected, found);
    for track in facts.of(Kind::Keyframes) {
        let file = &track.part.uri;
        let only = track.playlist.keyframes_only;
        findings.demand(
            Rule::Keyframes,
            only,
            file,
            "EXT-X-I-FRAMES-ONLY",
            "it is missing",
        );
        for name in ["BANDWIDTH", "CODECS", "RESOLUTION"] {
            let there = track.part.attributes.contains_key(name);
            findings.demand(Rule::Keyframes, there, file, name, "it is missing");
        }
        for (segment, (_, _, range)) in track.segments.iter().zip(&track.playlist.segments) {
            let end = range.map_or(segment.bytes, |range| range.offset + range.length);
            let right = end == segment.first_sample_end && segment.begins_with_idr;
            let expected = format!("a keyframe that ends at byte {}", segment.first_sample_end);
            let found = format!("a range that ends at byte {end}");
            findings.demand(Rule::Keyframes, right, file, expected, found);
        }
    }
}
