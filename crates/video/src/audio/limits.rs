//! How much sound is taken in, held against what was found.

use crate::audio::packets::Facts;
use crate::audio::probe::AudioProbe;
use crate::probe::{Refusal, RefusalCode, counted, number, seconds};

/// Limits of one sound. What is over one is refused with the limit and what was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioLimits {
    /// Size of the file in bytes.
    pub size_bytes: u64,
    /// Length in seconds.
    pub duration_seconds: u64,
    pub channels: u32,
    /// Samples in a second.
    pub sample_rate: u32,
    /// Tracks of any kind.
    pub tracks: u32,
    /// Packets of the sound.
    pub packets: u64,
}

impl Default for AudioLimits {
    /// Twelve hours, 8 channels, 192 kHz.
    fn default() -> Self {
        Self {
            size_bytes: 10 << 30,
            duration_seconds: 12 * 60 * 60,
            channels: 8,
            sample_rate: 192_000,
            tracks: 50,
            packets: 20_000_000,
        }
    }
}

/// Whether what was found may be worked on.
pub(super) fn check(
    probe: &AudioProbe,
    measured: &Facts,
    said_us: Option<u64>,
    limits: &AudioLimits,
) -> Result<(), Refusal> {
    let said = said_us.filter(|_| probe.container.says_duration());
    // Tables of what is not there are no sound, however long they say it is.
    if let Some(said) = said.filter(|&said| said > measured.duration_us / 10 * 11 + 2_000_000) {
        let (said, found) = (seconds(said), seconds(measured.duration_us));
        let (said_text, found_text) = (number(said), number(found));
        return Err(Refusal {
            code: RefusalCode::DurationMismatch,
            limit: Some(said),
            measured: Some(found),
            unit: "seconds".to_owned(),
            message: format!(
                "the header says {said_text} seconds, but there is sound for {found_text}"
            ),
        });
    }
    if measured.packets == 0 {
        let message = "there is not a single sample of sound in the file";
        return Err(Refusal::new(RefusalCode::Empty, message));
    }
    at_most(
        RefusalCode::TooLong,
        "the sound plays",
        (
            limits.duration_seconds,
            measured.duration_us.div_ceil(1_000_000),
        ),
        "seconds",
    )?;
    at_most(
        RefusalCode::TooManyChannels,
        "the sound has",
        (limits.channels.into(), probe.channels.into()),
        "channels",
    )?;
    at_most(
        RefusalCode::TooHighSampleRate,
        "the sound has",
        (limits.sample_rate.into(), probe.sample_rate.into()),
        "samples a second",
    )
}

/// `numbers` are the limit and what was found.
pub(super) fn at_most(
    code: RefusalCode,
    what: &str,
    numbers: (u64, u64),
    unit: &str,
) -> Result<(), Refusal> {
    let (limit, found) = numbers;
    if found <= limit {
        return Ok(());
    }
    Err(Refusal::limit(
        code,
        what,
        counted(limit),
        counted(found),
        unit,
    ))
}
