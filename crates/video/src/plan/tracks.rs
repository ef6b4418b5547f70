//! Sound, subtitles, and the small pictures.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::plan::settings::PlanSettings;
use crate::probe::{SoundTrack, SubtitleTrack, VideoProbe, VideoTrack};

/// A track of sound: AAC-LC, stereo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundWork {
    /// Which stream of the file.
    pub stream: u32,
    /// What people choose it by; unlike the others'.
    pub name: String,
    /// ISO 639 code of its language; `None` if unknown.
    pub language: Option<String>,
    /// Played when nobody chose; true of exactly one.
    pub default: bool,
}

/// A track of subtitles: `WebVTT`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtitleWork {
    /// Which stream of the file.
    pub stream: u32,
    /// What people choose it by; unlike the others'.
    pub name: String,
    /// ISO 639 code of its language; `None` if unknown.
    pub language: Option<String>,
    /// Shown when nobody chose; true of one at most.
    pub default: bool,
    /// Shown also to those who want none.
    pub forced: bool,
}

/// Small pictures of the whole film, on sheets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryboardWork {
    /// Time between two pictures, in microseconds.
    pub interval_us: u64,
    /// How many pictures there are.
    pub pictures: u64,
    /// Pictures beside and below each other on a sheet: this many columns and rows at most.
    pub side: u64,
    /// Width of a picture in pixels, even.
    pub width: u32,
    /// Height of a picture in pixels, even.
    pub height: u32,
    /// Keyframes are near enough to do without the pictures between them.
    pub keyframes_only: bool,
}

/// At most this many pictures of a film.
const STORYBOARD_PICTURES: u64 = 200;
/// Columns and rows of a sheet.
const SHEET_SIDE: u64 = 10;
/// The length of the preview, in microseconds.
pub(crate) const PREVIEW_US: u64 = 3_000_000;

/// The tracks of sound, with names of their own and exactly one default.
pub(super) fn sounds(tracks: &[SoundTrack]) -> Vec<SoundWork> {
    let mut taken = BTreeSet::new();
    let default = tracks.iter().position(|track| track.default).unwrap_or(0);
    let named = tracks.iter().enumerate().map(|(at, track)| SoundWork {
        stream: track.index,
        name: name(
            &mut taken,
            track.title.as_deref(),
            track.language.as_deref(),
            "Sound",
        ),
        language: track.language.clone(),
        default: at == default,
    });
    named.collect()
}

/// The tracks of subtitles, with names of their own and one default at most.
pub(super) fn subtitles(tracks: &[SubtitleTrack]) -> Vec<SubtitleWork> {
    let mut taken = BTreeSet::new();
    let default = tracks.iter().position(|track| track.default);
    let named = tracks.iter().enumerate().map(|(at, track)| SubtitleWork {
        stream: track.index,
        name: name(
            &mut taken,
            track.title.as_deref(),
            track.language.as_deref(),
            "Subtitles",
        ),
        language: track.language.clone(),
        default: Some(at) == default,
        forced: track.forced,
    });
    named.collect()
}

/// The title, or the language, or a word; with a number where it is taken.
fn name(
    taken: &mut BTreeSet<String>,
    title: Option<&str>,
    language: Option<&str>,
    word: &str,
) -> String {
    let wanted = title.or(language).unwrap_or(word);
    let mut name = wanted.to_owned();
    let mut number = 1;
    while !taken.insert(name.clone()) {
        number += 1;
        name = format!("{wanted} {number}");
    }
    name
}

/// The height in pixels below which a poster shows nothing.
const LOWEST_POSTER: f64 = 32.0;

/// The widths that are not larger than the film, and at which it is not a line; its own if there are none.
pub(super) fn poster_widths(video: &VideoTrack, settings: &PlanSettings) -> Vec<u32> {
    let (width, height) = video.shown();
    let widths = settings.poster_widths.iter().copied();
    let shows = |wanted: u32| height * f64::from(wanted) / width >= LOWEST_POSTER;
    let mut fitting: Vec<u32> = widths
        .filter(|&wanted| f64::from(wanted) <= width && shows(wanted))
        .collect();
    if fitting.is_empty() {
        fitting.push(even(width));
    }
    fitting.sort_unstable();
    fitting
}

/// Not at the very start, where films are black; a short film is shown whole.
pub(super) fn preview_start(duration_us: u64) -> u64 {
    (duration_us / 4).min(duration_us.saturating_sub(PREVIEW_US))
}

impl StoryboardWork {
    pub(super) fn new(probe: &VideoProbe, settings: &PlanSettings) -> Self {
        let interval_us = (probe.duration_us / STORYBOARD_PICTURES).max(1_000_000);
        let (width, height) = probe.video.shown();
        let scale = (f64::from(settings.storyboard_side) / width.max(height)).min(1.0);
        let interval = i64::try_from(interval_us).unwrap_or(i64::MAX);
        let longest_wait = probe
            .video
            .keyframes
            .windows(2)
            .map(|pair| pair[1].at_us - pair[0].at_us)
            .max();
        Self {
            interval_us,
            pictures: probe.duration_us.div_ceil(interval_us).max(1),
            side: SHEET_SIDE,
            width: even(width * scale),
            height: even(height * scale),
            keyframes_only: longest_wait.is_some_and(|wait| wait <= interval),
        }
    }
}

fn even(side: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a side in pixels"
    )]
    let half = (side / 2.0).round().clamp(1.0, 8192.0) as u32;
    half * 2
}
