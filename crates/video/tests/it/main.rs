//! What a user of the crate would notice, on generated films and with the real tools, confined.

#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]
#![expect(
    clippy::disallowed_methods,
    reason = "films are made, and looked at, by the tools themselves"
)]

mod colours;
mod converted;
mod extremes;
mod fixtures;
mod gate;
mod hostile;
mod kinds;
mod likeness;
mod limits;
mod parts;
mod progressive;
mod seams;
mod sounds;
mod tools;
