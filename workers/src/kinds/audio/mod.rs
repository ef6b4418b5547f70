//! Sounds alone: what recorders and music shops write in, HLS, one file, a waveform and the cover out.
//!
//! How sounds are worked on is the crate `video`'s; here its tasks become tasks of the engine, and its files objects.

pub mod check;
pub mod plan;
pub mod probe;
pub mod publish;
pub mod render;

use media::limits::Limits;
use video::audio::AudioLimits;

pub use plan::Unit;
pub use probe::Probe;
pub use render::Output;

/// The domain's limits, as the library knows them.
fn limits(limits: &Limits) -> AudioLimits {
    AudioLimits {
        size_bytes: limits.max_file_bytes,
        duration_seconds: limits.max_audio_seconds,
        channels: limits.max_audio_channels,
        sample_rate: limits.max_audio_sample_rate,
        ..AudioLimits::default()
    }
}
