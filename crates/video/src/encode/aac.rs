//! The numbers of AAC-LC as we make it (ISO/IEC 14496-3).

/// Samples in a second of the sound of films.
pub const SAMPLE_RATE: u32 = 48_000;
/// Samples of a frame. The encoder's first frame is silence that it needs to begin.
pub const FRAME_SAMPLES: u64 = 1024;
