//! The limits, held against what was found.

use crate::probe::allowed::Container;
use crate::probe::limits::VideoLimits;
use crate::probe::refusal::{Refusal, RefusalCode};
use crate::probe::types::{VideoProbe, VideoTrack};

/// The size of the file, before anything is opened.
pub fn size(size_bytes: u64, limits: &VideoLimits) -> Result<(), Refusal> {
    let code = RefusalCode::TooLarge;
    at_most(code, "The file has", limits.size_bytes, size_bytes, "bytes")
}

/// What headers alone tell.
pub fn headers(video: &VideoTrack, tracks: usize, limits: &VideoLimits) -> Result<(), Refusal> {
    let tracks = u64::try_from(tracks).unwrap_or(u64::MAX);
    let pixels = u64::from(video.width) * u64::from(video.height);
    let code = RefusalCode::TooManyTracks;
    at_most(code, "The file has", limits.tracks.into(), tracks, "tracks")?;
    let code = RefusalCode::TooManyPixels;
    at_most(code, "A picture has", limits.pixels, pixels, "pixels")?;
    let (width, height) = video.shown();
    let short = whole(width.min(height));
    let least = u64::from(limits.min_side);
    if short < least {
        let (code, what) = (RefusalCode::TooSmall, "The shorter side has");
        return Err(Refusal::limit(code, what, least, short, "pixels"));
    }
    Ok(())
}

/// What the packets tell.
pub fn measured(probe: &VideoProbe, limits: &VideoLimits) -> Result<(), Refusal> {
    let seconds = probe.duration_us.div_ceil(1_000_000);
    let code = RefusalCode::TooLong;
    at_most(
        code,
        "The film plays",
        limits.duration_seconds,
        seconds,
        "seconds",
    )?;
    // A second at least: of less, averages say nothing.
    let micros = u128::from(probe.duration_us.max(1_000_000));
    let per_second =
        |count: u64| u64::try_from(u128::from(count) * 1_000_000 / micros).unwrap_or(u64::MAX);
    let rate = per_second(probe.video.timing.frames);
    let code = RefusalCode::TooHighFrameRate;
    at_most(
        code,
        "The film has",
        limits.frame_rate.into(),
        rate,
        "pictures a second",
    )?;
    let bits = per_second(probe.size_bytes.saturating_mul(8));
    let code = RefusalCode::TooHighBitrate;
    at_most(code, "The film has", limits.bitrate, bits, "bits a second")
}

/// Whether the packets bear out the length that the header says. Fragments come without an index,
/// and what the header of such a file says is often nothing.
///
/// `start_us` is where the container's clock stands at the film's start: some headers count from zero.
pub fn header_is_borne_out(
    probe: &VideoProbe,
    counted: Option<u64>,
    start_us: i64,
) -> Result<(), Refusal> {
    let in_fragments = probe.container == Container::Mov
        && counted.is_none_or(|counted| counted < probe.video.timing.frames);
    let Some(said_us) = probe.header_duration_us else {
        return Ok(());
    };
    let end_us = probe
        .duration_us
        .saturating_add(u64::try_from(start_us).unwrap_or(0));
    let borne_out = said_us <= end_us.saturating_add(probe.duration_us / 10 + 2_000_000);
    if !probe.container.says_duration() || in_fragments || borne_out {
        return Ok(());
    }
    let (said, found) = (said_us / 1_000_000, probe.duration_us / 1_000_000);
    Err(Refusal {
        code: RefusalCode::DurationMismatch,
        limit: Some(said),
        measured: Some(found),
        unit: "seconds".to_owned(),
        message: format!("The header says {said} seconds, but there are pictures for {found}."),
    })
}

fn at_most(
    code: RefusalCode,
    what: &str,
    limit: u64,
    measured: u64,
    unit: &str,
) -> Result<(), Refusal> {
    if measured <= limit {
        return Ok(());
    }
    Err(Refusal::limit(code, what, limit, measured, unit))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a side in pixels: positive, far below the limit"
)]
fn whole(pixels: f64) -> u64 {
    pixels.round() as u64
}
