//! The workflows, each on one screen, and what processes that run none ask of all of them.

pub mod discard;
pub mod ingest;
pub mod replan;
pub mod upkeep;

use media::files::Kept;
use workflows::admin::{Hooks, check::Build};

/// Every step of all, by name: what this build can go on with. No step runs.
pub fn build() -> Build {
    Build::default()
        .with(&ingest::workflow(Kept::default()))
        .with(&discard::workflow())
        .with(&replan::workflow())
        .with(&upkeep::workflow())
}

/// What files want to be told when somebody ends their runs or makes them live again.
pub fn hooks(kept: Kept) -> Hooks {
    Hooks::default().with(&ingest::workflow(kept))
}
