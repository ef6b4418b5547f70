//! The rules, as far as they are about a sound alone.

use crate::gate::facts::{self, Facts, Track};
use crate::gate::kind::Kind;
use crate::gate::rules::{clock, playlists, segments, types, variants};
use crate::gate::segment::seconds;
use crate::gate::{Findings, Outputs, Report, Rule};
use crate::hls::MASTER;
use crate::mp4::Media;

/// What a sound must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoundAlone {
    /// Its length, in microseconds.
    pub duration_us: u64,
    /// The length of a segment, in microseconds.
    pub segment_us: u64,
    /// Samples in a second.
    pub sample_rate: u32,
    pub channels: u16,
    pub renditions: usize,
}

/// Checks `outputs` against the rules and what the sound must be.
pub fn check(outputs: &impl Outputs, expected: &SoundAlone) -> Report {
    let mut findings = Findings::default();
    let facts = facts::collect(outputs, Kind::Sound, &mut findings);
    let mut unchecked = Vec::new();
    if let Some(facts) = &facts {
        let planned = seconds(expected.duration_us, 1_000_000);
        let segment = seconds(expected.segment_us, 1_000_000);
        segments::are_long_enough(facts, segment, &mut findings);
        segments::add_up(facts, planned, 0.0, &mut findings);
        begin_at_the_same_times(facts, &mut findings);
        playlists::check(facts, &mut findings);
        renditions(facts, expected, &mut findings);
        clock::goes_on(facts, &mut findings);
        clock::begins_together(facts, 0.0, &mut findings);
        if !types::check(outputs, facts, &mut findings) {
            unchecked.push(Rule::Types);
        }
    }
    findings.report(unchecked, facts.as_ref())
}

/// Rule 1: players change between renditions at the start of a segment.
fn begin_at_the_same_times(facts: &Facts, findings: &mut Findings) {
    let starts = |track: &Track| -> Vec<u64> {
        let segments = track.segments.iter();
        segments.map(|segment| segment.decoded).collect()
    };
    let first = facts.tracks.first().map(starts);
    for track in &facts.tracks {
        let (file, own) = (&track.part.uri, Some(starts(track)));
        let count = |starts: &Option<Vec<u64>>| starts.as_ref().map_or(0, Vec::len);
        let (expected, found) = (
            format!("the starts of {} segments", count(&first)),
            format!("others, of {}", count(&own)),
        );
        findings.demand(Rule::AlignedIdr, own == first, file, expected, found);
    }
}

/// Rules 6, 8, 9, 10, 11 and 15.
fn renditions(facts: &Facts, expected: &SoundAlone, findings: &mut Findings) {
    let tracks: Vec<&Track> = facts.of(Kind::Sound).collect();
    let all = tracks.len() == expected.renditions;
    let (wanted, found) = (
        format!("{} renditions", expected.renditions),
        format!("{}", tracks.len()),
    );
    findings.demand(Rule::Ladder, all, MASTER, wanted, found);
    for track in &tracks {
        #[expect(clippy::cast_precision_loss, reason = "some seconds")]
        let rates = track.rates(track.playlist.target as f64);
        variants::codecs(facts, track, findings);
        variants::bandwidth(track, rates, findings);
        variants::peak(track, rates, findings);
        sound(track, expected, findings);
    }
    variants::first(&tracks, findings);
}

fn sound(track: &Track, expected: &SoundAlone, findings: &mut Findings) {
    let words = |codec: &str, channels: u16, sample_rate: u32| {
        format!("{codec}, channels: {channels}, {sample_rate} Hz")
    };
    let wanted = words("mp4a.40.2", expected.channels, expected.sample_rate);
    let found = match &track.init {
        Some(init) => match init.media {
            Media::Audio {
                channels,
                sample_rate,
            } => words(&init.codec, channels, sample_rate.into()),
            Media::Video { .. } => "pictures".to_owned(),
        },
        None => "nothing".to_owned(),
    };
    let right = wanted == found;
    findings.demand(Rule::Sound, right, &track.part.uri, wanted, found);
}
