//! What is made of a sound: decided once, from the facts, without looking at a byte.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::audio::probe::AudioProbe;
use sandbox::Limits;

use crate::exec::{Allowed, limits_of_a_look};

/// Bits in a second of what is made, the lower first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bitrates {
    /// Of one channel.
    pub mono: [u32; 2],
    /// Of two.
    pub stereo: [u32; 2],
}

/// Settings of plans. A stored plan does not change with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioSettings {
    /// Of AAC-LC, whose encoder is at its best between these.
    pub bitrates: Bitrates,
    /// Length of a segment in seconds.
    pub segment_seconds: u32,
    /// The most pixels of a waveform.
    pub waveform_pixels: u32,
}

/// Everything that workers need to know about a sound. Stored: fields are added, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioPlan {
    /// What tools may open that decode the sound.
    pub allowed: Allowed,
    /// Which stream of the file it is.
    pub stream: u32,
    /// The length of the source's packets, in microseconds.
    pub duration_us: u64,
    /// Samples in a second of what is made: 44100 or 48000, whichever the source's are nearer to.
    pub sample_rate: u32,
    /// Channels of what is made: one stays one, more become two.
    pub channels: u16,
    /// Bits in a second of each rendition, the lower first.
    pub bitrates: [u32; 2],
    /// Length of a segment, in microseconds.
    pub segment_us: u64,
    /// Samples of the sound that a pixel of its waveform stands for; a power of two.
    pub samples_per_pixel: u32,
    /// Which stream is a picture that came with the sound.
    pub cover: Option<u32>,
}

/// One task. Any worker can do any of them, in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioTask {
    /// All that is made of the sound, from one decode.
    Sound,
    /// The picture that came with it.
    Cover,
}

/// Sound takes this many microseconds a second, decoding and two encodes together, as measured on one core
/// of a server of 2024; the slowest codecs twice that.
const SOUND_US: u64 = 60_000;
/// As fine as a waveform gets, as most players of waveforms expect.
const FINEST: u32 = 256;
/// The largest picture that is taken out of a sound, in bytes.
const COVER_BYTES: u64 = 32 << 20;

impl AudioPlan {
    /// The plan for `probe`.
    pub fn new(probe: &AudioProbe, settings: &AudioSettings) -> Self {
        // Rates of CDs and their halves and doubles stay in step with 44100.
        let sample_rate = if probe.sample_rate.is_multiple_of(11_025) {
            44_100
        } else {
            48_000
        };
        let bitrates = &settings.bitrates;
        let (channels, bitrates) = match probe.channels {
            1 => (1, bitrates.mono),
            _ => (2, bitrates.stereo),
        };
        let mut plan = Self {
            allowed: probe.allowed(),
            stream: probe.stream,
            duration_us: probe.duration_us,
            sample_rate,
            channels,
            bitrates,
            segment_us: u64::from(settings.segment_seconds.max(1)) * 1_000_000,
            samples_per_pixel: FINEST,
            cover: probe.cover,
        };
        let pixels = u64::from(settings.waveform_pixels.max(1));
        while plan.samples() / u64::from(plan.samples_per_pixel) >= pixels
            && plan.samples_per_pixel < 1 << 30
        {
            plan.samples_per_pixel *= 2;
        }
        plan
    }

    /// Every task of the plan.
    pub fn tasks(&self) -> Vec<AudioTask> {
        let cover = self.cover.map(|_| AudioTask::Cover);
        [Some(AudioTask::Sound), cover]
            .into_iter()
            .flatten()
            .collect()
    }

    /// About how many samples a channel has.
    pub fn samples(&self) -> u64 {
        let samples = u128::from(self.duration_us) * u128::from(self.sample_rate) / 1_000_000;
        u64::try_from(samples).unwrap_or(u64::MAX)
    }

    /// What a call of ffmpeg for `task` may use: ten times what it should take on one core, so that only what
    /// has gone wrong comes to its end. Memory does not depend on the length.
    pub fn limits(&self, task: AudioTask) -> Limits {
        let seconds = self.duration_us / 1_000_000 + 10;
        let cpu_seconds = match task {
            AudioTask::Sound => seconds * SOUND_US * 10 / 1_000_000 + 30,
            AudioTask::Cover => 60,
        };
        let file_bytes = match task {
            // Twice the higher bitrate for the whole sound.
            AudioTask::Sound => u64::from(self.bitrates[1] / 4) * seconds + (1 << 20),
            AudioTask::Cover => COVER_BYTES,
        };
        Limits {
            cpu_seconds,
            file_bytes,
            // Samples of two bytes, of a sound that is a tenth longer than its packets say.
            output_bytes: (self.samples() / 5).saturating_mul(11)
                + u64::from(self.sample_rate) * 20,
            wall: Duration::from_secs(cpu_seconds * 4),
            ..limits_of_a_look()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AudioPlan, AudioSettings, AudioTask, Bitrates};
    use crate::audio::{AudioProbe, Container};

    fn plan(channels: u32, sample_rate: u32, seconds: u64) -> AudioPlan {
        let probe = AudioProbe {
            container: Container::Mp3,
            stream: 0,
            codec: "mp3".into(),
            channels,
            sample_rate,
            duration_us: seconds * 1_000_000,
            cover: None,
            begins_at: None,
        };
        let settings = AudioSettings {
            bitrates: Bitrates {
                mono: [1, 2],
                stereo: [3, 4],
            },
            segment_seconds: 6,
            waveform_pixels: 65_536,
        };
        AudioPlan::new(&probe, &settings)
    }

    #[test]
    fn rates_and_channels_stay_as_near_as_players_allow() {
        for (channels, rate, made) in [
            (1, 8_000, (1, 48_000, [1, 2])),
            (1, 22_050, (1, 44_100, [1, 2])),
            (2, 44_100, (2, 44_100, [3, 4])),
            (6, 192_000, (2, 48_000, [3, 4])),
        ] {
            let plan = plan(channels, rate, 10);
            assert_eq!((plan.channels, plan.sample_rate, plan.bitrates), made);
        }
    }

    #[test]
    fn waveforms_have_bounds_however_long_the_sound_is() {
        for (seconds, samples) in [(0, 256), (180, 256), (3_600, 4_096), (36_000, 32_768)] {
            let plan = plan(2, 48_000, seconds);
            assert_eq!(plan.samples_per_pixel, samples, "{seconds} s");
            assert!(plan.samples() / u64::from(samples) < 65_536);
        }
    }

    #[test]
    fn limits_grow_with_the_sound_and_memory_does_not() {
        let (short, long) = (plan(2, 48_000, 1), plan(2, 48_000, 36_000));
        let [short, long] = [short, long].map(|plan| plan.limits(AudioTask::Sound));
        assert!(long.cpu_seconds > short.cpu_seconds && long.output_bytes > short.output_bytes);
        assert_eq!(long.memory_bytes, short.memory_bytes);
    }
}
