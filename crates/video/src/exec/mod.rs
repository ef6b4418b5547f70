//! Foreign programs, confined: ffmpeg and ffprobe over bytes that nobody trusts.
//!
//! The service calls [`Tools`], which starts a child of its own program for one call. The child
//! ([`child::main`], reached through a hidden subcommand) gives up every right that the tool does
//! not need ([`confine`]) and becomes the tool. A tool that is taken over by its input can burn its
//! own CPU budget and write into its own scratch folder, and nothing else.
//!
//! Command lines are made in one place ([`ToolCall`]), with fixed file names. No other module can
//! make one, so no caller can leave out a whitelist or bring in a text that a client chose.

pub mod child;
mod command;
pub mod confine;
mod error;
mod launch;
mod limits;
mod pipes;
mod progress;
mod proof;
mod system_calls;

pub use command::{Allowed, INPUT, Source, ToolCall};
pub use confine::Sandbox;
pub use error::ToolError;
pub use launch::Tools;
pub use limits::{Resource, ToolLimits};
pub use progress::Progress;
