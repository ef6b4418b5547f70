//! Sounds alone: music, speech, and what comes in a film's container without a picture.
//!
//! The same way as a film's, with the same tools: [`probe`] says what it is, [`AudioPlan`] what is made of
//! it, [`encode`] makes it. [`hls`](crate::hls) and [`gate`](crate::gate) write and check playlists of sound
//! as they do those of films. All outputs but the cover come from one decode, and memory does not grow with
//! the length of the sound.

mod allowed;
mod cover;
mod encode;
mod late;
mod limits;
mod packets;
mod peaks;
mod picture;
mod plan;
mod probe;
mod protected;

pub use allowed::Container;
pub use encode::{File, Picture, Sound, cover, encode};
pub use limits::AudioLimits;
pub use peaks::Peaks;
pub use plan::{AudioPlan, AudioSettings, AudioTask, Bitrates};
pub use probe::{AudioProbe, probe};
