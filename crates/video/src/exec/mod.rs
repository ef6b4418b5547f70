//! The command lines of ffmpeg and ffprobe, over bytes that nobody trusts.
//!
//! The tools run in the sandbox ([`sandbox::Tool`]). What is here is what they are told: command lines are made in one
//! place ([`ToolCall`]), with fixed file names. No other module can make one, so no caller can leave out a whitelist or
//! bring in a text that a client chose.

mod command;
mod progress;
mod tools;

pub use command::{Allowed, Source, ToolCall, limits_of_a_look};
pub use progress::Progress;
pub use tools::{MissingTool, Tools};
