//! The limits, held against what was found.

use crate::probe::allowed::Container;
use crate::probe::limits::VideoLimits;
use crate::probe::refusal::{Refusal, RefusalCode, counted, number, seconds};
use crate::probe::types::{VideoProbe, VideoTrack};

/// The size of the file, before anything is opened.
pub fn size(size_bytes: u64, limits: &VideoLimits) -> Result<(), Refusal> {
    let code = RefusalCode::TooLarge;
    at_most(code, "the file has", limits.size_bytes, size_bytes, "bytes")
}

/// What headers alone tell.
pub fn headers(video: &VideoTrack, tracks: usize, limits: &VideoLimits) -> Result<(), Refusal> {
    let tracks = u64::try_from(tracks).unwrap_or(u64::MAX);
    let pixels = u64::from(video.width) * u64::from(video.height);
    let code = RefusalCode::TooManyTracks;
    at_most(code, "the file has", limits.tracks.into(), tracks, "tracks")?;
    let code = RefusalCode::TooManyPixels;
    at_most(code, "a picture has", limits.pixels, pixels, "pixels")?;
    let (width, height) = video.shown();
    let short = whole(width.min(height));
    let least = u64::from(limits.min_side);
    if short < least {
        let (code, what) = (RefusalCode::TooSmall, "the shorter side has");
        return Err(Refusal::limit(
            code,
            what,
            counted(least),
            counted(short),
            "pixels",
        ));
    }
    Ok(())
}

/// What the packets tell.
pub fn measured(probe: &VideoProbe, limits: &VideoLimits) -> Result<(), Refusal> {
    if probe.duration_us > limits.duration_seconds.saturating_mul(1_000_000) {
        return Err(Refusal::limit(
            RefusalCode::TooLong,
            "the film plays",
            counted(limits.duration_seconds),
            seconds(probe.duration_us),
            "seconds",
        ));
    }
    // A second at least: of less, averages say nothing.
    let micros = u128::from(probe.video.duration_us.max(1_000_000));
    let per_second =
        |count: u64| u64::try_from(u128::from(count) * 1_000_000 / micros).unwrap_or(u64::MAX);
    let rate = per_second(probe.video.timing.frames);
    let code = RefusalCode::TooHighFrameRate;
    at_most(
        code,
        "the film has",
        limits.frame_rate.into(),
        rate,
        "pictures a second",
    )?;
    let bits = per_second(probe.size_bytes.saturating_mul(8));
    let code = RefusalCode::TooHighBitrate;
    at_most(code, "the film has", limits.bitrate, bits, "bits a second")
}

/// Whether the packets bear out the length that the header says. Fragments come without an index,
/// and what the header of such a file says is often nothing.
pub fn header_is_borne_out(probe: &VideoProbe, header: &Said) -> Result<(), Refusal> {
    let in_fragments = probe.container == Container::Mov
        && header
            .frames
            .is_none_or(|counted| counted < probe.video.timing.frames);
    // A header of MP4 says it of each track, those of others of the longest.
    let (said_us, found_us) = match (header.pictures_us, header.longest_us) {
        (Some(pictures_us), _) if probe.container == Container::Mov => {
            (pictures_us, probe.video.duration_us)
        }
        (_, Some(longest_us)) => (longest_us, probe.longest_us.max(probe.video.duration_us)),
        (Some(pictures_us), None) => (pictures_us, probe.video.duration_us),
        (None, None) => return Ok(()),
    };
    // Some headers count from zero.
    let end_us = found_us.saturating_add(u64::try_from(header.start_us).unwrap_or(0));
    let borne_out = said_us <= end_us.saturating_add(found_us / 10 + 2_000_000);
    if !probe.container.says_duration() || in_fragments || borne_out {
        return Ok(());
    }
    let (said, found) = (seconds(said_us), seconds(found_us));
    Err(Refusal {
        code: RefusalCode::DurationMismatch,
        limit: Some(said),
        measured: Some(found),
        unit: "seconds".to_owned(),
        message: format!(
            "the header says {} seconds, but what is in the file plays {}",
            number(said),
            number(found)
        ),
    })
}

/// Of a file that should have `announced` bytes and is cut off. Other containers say how long they play, and that was
/// checked.
pub fn cut(probe: &VideoProbe, announced: Option<u64>) -> Result<(), Refusal> {
    let found = probe.size_bytes;
    let Some(said) = announced.filter(|said| said - said / 10 > found) else {
        return Ok(());
    };
    if probe.container != Container::Avi {
        return Ok(());
    }
    Err(Refusal {
        code: RefusalCode::DurationMismatch,
        limit: Some(counted(said)),
        measured: Some(counted(found)),
        unit: "bytes".to_owned(),
        message: format!("the file is cut short: {found} bytes of {said} are there"),
    })
}

/// What a header says that packets may not bear out.
pub struct Said {
    /// Pictures, where there is an index.
    pub frames: Option<u64>,
    /// The length of the pictures, in microseconds.
    pub pictures_us: Option<u64>,
    /// The length of the whole file, in microseconds.
    pub longest_us: Option<u64>,
    /// Where the container's clock stands at the film's start, in microseconds.
    pub start_us: i64,
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
    Err(Refusal::limit(
        code,
        what,
        counted(limit),
        counted(measured),
        unit,
    ))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a side in pixels: positive, far below the limit"
)]
fn whole(pixels: f64) -> u64 {
    pixels.round() as u64
}
