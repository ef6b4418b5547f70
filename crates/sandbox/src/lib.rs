//! Runs a job or a tool on hostile bytes in a confined child. It knows no format.
//!
//! A *job* is our own code ([`Job`]): it gets one input as memory, writes into files that were opened for it, and
//! answers. A *tool* is a program of others ([`Tool`]): it gets one input by name and a scratch folder. Either can, when it
//! is taken over by its input, burn its own CPU budget and write nonsense into its own files, and nothing else.
//!
//! There are two sides. The service calls [`Launcher`], which starts a child of this very program, bounds it and reads
//! what it says. The child ([`child`], reached through hidden subcommands) gives up every right that it does not need
//! ([`profiles`]), and only then looks at the bytes, or becomes the tool.
//!
//! What this is not: it has no word on what is done with the bytes (`codecs`, `video`), and none on what is allowed
//! (`media`).

pub mod child;
mod error;
pub mod fill;
mod job;
mod launch;
mod limits;
pub mod profiles;
mod tool;

pub use self::error::{JobError, Resource, SandboxError, ToolError};
pub use self::job::Job;
pub use self::launch::Launcher;
pub use self::limits::Limits;
pub use self::profiles::{Mode, UnknownMode};
pub use self::tool::{Manner, Tool};
