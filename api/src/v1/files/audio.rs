//! What a sound is, as its owner may know it.

use std::time::Duration;

use media::audio::Facts;
use poem_openapi::Object;

use crate::contract::Count;

/// What a sound is.
#[derive(Debug, Object)]
#[oai(rename = "AudioFacts")]
pub struct AudioView {
    /// Its length in seconds, counted sample by sample.
    pub duration_seconds: f64,
    /// Channels of the original.
    pub channels: Count,
    /// Samples of the original in a second.
    pub sample_rate: Count,
    /// The codec of the original by its short name, such as `mp3` or `flac`.
    pub codec: String,
}

impl From<Facts> for AudioView {
    fn from(facts: Facts) -> Self {
        Self {
            duration_seconds: Duration::from_micros(facts.duration_us).as_secs_f64(),
            channels: u64::from(facts.channels).into(),
            sample_rate: u64::from(facts.sample_rate).into(),
            codec: facts.codec,
        }
    }
}
