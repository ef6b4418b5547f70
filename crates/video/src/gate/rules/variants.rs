//! Rules 6 to 11 and 15: what the multivariant playlist says of each rung, and whether it is so.

use crate::gate::facts::{Facts, Track};
use crate::gate::kind::Kind;
use crate::gate::{Findings, Rule};
use crate::hls::{MASTER, Rates};
use crate::mp4::Media;
use crate::plan::Plan;

/// Numbers that are declared may differ by this share from those measured.
const TOLERATED: f64 = 0.1;
/// Bits in a second of the variant that should come first.
const FIRST_CHOICE: u64 = 2_000_000;

/// Checks all of them.
pub fn check(facts: &Facts, plan: &Plan, findings: &mut Findings) {
    let variants: Vec<&Track> = facts.of(Kind::Pictures).collect();
    let there = format!("{} of {}", variants.len(), plan.rungs.len());
    let complete = variants.len() == plan.rungs.len();
    findings.demand(
        Rule::Ladder,
        complete,
        MASTER,
        "all rungs of the plan",
        there,
    );
    #[expect(clippy::cast_precision_loss, reason = "some seconds")]
    let target = variants
        .first()
        .map_or(6.0, |track| track.playlist.target as f64);
    let sound = facts.of(Kind::Sound).map(|track| track.rates(target));
    let sound = sound.fold(Rates::default(), Rates::or);
    for track in &variants {
        codecs(facts, track, findings);
        picture(track, plan, findings);
        ladder(track, plan, findings);
        let rates = track.rates(target).and(sound);
        bandwidth(track, rates, findings);
        peak(track, rates, findings);
    }
    for track in facts.of(Kind::Keyframes) {
        bandwidth(track, track.rates(target), findings);
    }
    group(facts, &variants, findings);
    first(&variants, findings);
}

/// Rule 9: the peak bit rate that the playlist states.
pub fn peak(track: &Track, rates: Rates, findings: &mut Findings) {
    let (peak, average) = (rates.peak, rates.average);
    let (expected, found) = (format!("at most {}", average * 2), format!("{peak}"));
    let right = peak <= average * 2;
    findings.advise(Rule::Peak, right, &track.part.uri, expected, found);
}

/// Rule 15: the variant that players start with.
pub fn first(variants: &[&Track], findings: &mut Findings) {
    let away = |track: &&Track| attribute_number(track, "AVERAGE-BANDWIDTH").abs_diff(FIRST_CHOICE);
    if let (Some(first), Some(nearest)) = (
        variants.first(),
        variants.iter().min_by_key(|track| away(track)),
    ) {
        let right = away(first) == away(nearest);
        let (expected, found) = (&*nearest.part.uri, &*first.part.uri);
        findings.demand(Rule::FirstVariant, right, MASTER, expected, found);
    }
}

fn attribute<'a>(track: &'a Track, name: &str) -> &'a str {
    track.part.attributes.get(name).map_or("", |value| value)
}

fn attribute_number(track: &Track, name: &str) -> u64 {
    attribute(track, name).parse().unwrap_or(0)
}

/// The names of all codecs that are played together, in any order.
pub fn codecs(facts: &Facts, track: &Track, findings: &mut Findings) {
    let sound = facts
        .of(Kind::Sound)
        .filter_map(|track| track.init.as_ref());
    let own = track.init.iter();
    let mut expected: Vec<&str> = own.chain(sound).map(|init| &*init.codec).collect();
    expected.sort_unstable();
    expected.dedup();
    let mut found: Vec<&str> = attribute(track, "CODECS")
        .split(',')
        .map(str::trim)
        .collect();
    found.sort_unstable();
    let same = expected == found;
    let (expected, found) = (expected.join(","), found.join(","));
    findings.demand(Rule::Codecs, same, &track.part.uri, expected, found);
}

fn picture(track: &Track, plan: &Plan, findings: &mut Findings) {
    let file = &track.part.uri;
    let size = match track.init.as_ref().map(|init| init.media) {
        Some(Media::Video { width, height }) => format!("{width}x{height}"),
        _ => "no pictures".to_owned(),
    };
    let found = attribute(track, "RESOLUTION");
    findings.demand(Rule::Picture, size == found, file, size.as_str(), found);
    let frames: u64 = track.segments.iter().map(|segment| segment.samples).sum();
    #[expect(clippy::cast_precision_loss, reason = "frames of some hours")]
    let rate = frames as f64 / track.measured().max(0.001);
    let declared: f64 = attribute(track, "FRAME-RATE").parse().unwrap_or(0.0);
    let right = (rate - declared).abs() <= 0.001 + rate * 0.001;
    findings.demand(
        Rule::Picture,
        right,
        file,
        format!("{rate:.3} Hz"),
        format!("{declared:.3} Hz"),
    );
    let planned = plan.frame_rate.value();
    let right = (rate - planned).abs() <= planned * 0.001;
    findings.demand(
        Rule::Picture,
        right,
        file,
        format!("{planned:.3} Hz"),
        format!("{rate:.3} Hz"),
    );
    let range = attribute(track, "VIDEO-RANGE");
    findings.demand(
        Rule::Picture,
        range == "SDR",
        file,
        "VIDEO-RANGE=SDR",
        range,
    );
}

/// Rule 9: the bit rates that the playlist states, in bits per second, are those of the segments.
pub fn bandwidth(track: &Track, rates: Rates, findings: &mut Findings) {
    let declared = ["BANDWIDTH", "AVERAGE-BANDWIDTH"].map(|name| attribute_number(track, name));
    let file = &track.part.uri;
    // Never below the peak: players would choose what they cannot play.
    let enough = declared[0] >= rates.peak;
    let (expected, found) = (
        format!("at least {}", rates.peak),
        format!("{}", declared[0]),
    );
    findings.demand(Rule::Bandwidth, enough, file, expected, found);
    for (declared, measured) in declared.into_iter().zip([rates.peak, rates.average]) {
        #[expect(clippy::cast_precision_loss, reason = "bits in a second")]
        let near = declared.abs_diff(measured) as f64 <= measured as f64 * TOLERATED;
        let (expected, found) = (format!("about {measured}"), format!("{declared}"));
        findings.demand(Rule::Bandwidth, near, file, expected, found);
    }
}

fn ladder(track: &Track, plan: &Plan, findings: &mut Findings) {
    let file = &track.part.uri;
    let Some(init) = &track.init else { return };
    let Media::Video { width, height } = init.media else {
        findings.demand(Rule::Ladder, false, file, "pictures", "none");
        return;
    };
    // The plan's sizes follow the film's, so a rung that is none of them is wrong.
    let size = (u32::from(width), u32::from(height));
    let planned = plan
        .rungs
        .iter()
        .any(|rung| (rung.width, rung.height) == size);
    findings.demand(
        Rule::Ladder,
        planned,
        file,
        "a size of the plan",
        format!("{width}x{height}"),
    );
    let rate = plan.frame_rate.value();
    findings.demand(
        Rule::Ladder,
        rate <= 60.01,
        file,
        "at most 60 Hz",
        format!("{rate:.3} Hz"),
    );
    // `avc1.PPCCLL`: profile and level in hexadecimal digits.
    let digits = |range| {
        init.codec
            .get(range)
            .and_then(|text| u8::from_str_radix(text, 16).ok())
    };
    let (profile, level) = (digits(5..7).unwrap_or(255), digits(9..11).unwrap_or(255));
    let right = init.codec.starts_with("avc1.") && profile <= 100 && level <= 52;
    findings.demand(
        Rule::Ladder,
        right,
        file,
        "H.264 of at most High 5.2",
        init.codec.as_str(),
    );
}

/// Rule 10: variants name their group of sound.
fn group(facts: &Facts, variants: &[&Track], findings: &mut Findings) {
    let sounds: Vec<&Track> = facts.of(Kind::Sound).collect();
    for track in &sounds {
        let file = &track.part.uri;
        for name in ["NAME", "GROUP-ID"] {
            let there = !attribute(track, name).is_empty();
            findings.demand(Rule::Sound, there, file, name, "it is missing");
        }
        let same = |other: &&&Track| attribute(other, "NAME") == attribute(track, "NAME");
        let alone = sounds.iter().filter(same).count() == 1;
        findings.demand(
            Rule::Sound,
            alone,
            file,
            "a name of its own",
            attribute(track, "NAME"),
        );
        let init = track.init.as_ref();
        let stereo = init.is_some_and(|init| {
            init.codec == "mp4a.40.2" && matches!(init.media, Media::Audio { channels: 2, .. })
        });
        let found = init.map_or("nothing", |init| &init.codec);
        findings.demand(Rule::Sound, stereo, file, "stereo AAC-LC", found);
    }
    let defaults = sounds
        .iter()
        .filter(|track| attribute(track, "DEFAULT") == "YES")
        .count();
    let right = defaults == usize::from(!sounds.is_empty());
    findings.demand(
        Rule::Sound,
        right,
        MASTER,
        "one default",
        format!("{defaults}"),
    );
    let groups: Vec<&str> = sounds
        .iter()
        .map(|track| attribute(track, "GROUP-ID"))
        .collect();
    for track in variants {
        let group = attribute(track, "AUDIO");
        let right = if groups.is_empty() {
            group.is_empty()
        } else {
            groups.contains(&group)
        };
        findings.demand(
            Rule::Sound,
            right,
            &track.part.uri,
            "the group of sound",
            group,
        );
    }
}
