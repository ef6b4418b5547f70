//! A sandbox for work on bytes that we do not trust. It knows no format.
//!
//! It has two sides. The service calls [`Launcher::run`], which starts a child process for one [`Job`] and reads its
//! answer. The child ([`child::main`], reached through a hidden subcommand) gives up every right it does not need
//! ([`profiles`]) and only then looks at the bytes ([`Job::run`]). A job that is taken over by its input can therefore
//! burn its own CPU budget and write nonsense into files that were opened for it, and nothing else.
//!
//! What this is not: it has no word on what is done with the bytes (`codecs`), and none on what is allowed (`media`).

pub mod child;
mod error;
mod launch;
mod limits;
pub mod profiles;
mod protocol;

pub use self::error::{JobError, Resource, SandboxError};
pub use self::launch::Launcher;
pub use self::limits::Limits;
pub use self::profiles::{Mode, UnknownMode};
pub use self::protocol::Job;
