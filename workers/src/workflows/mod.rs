//! The workflows, each on one screen, and what processes that run none ask of all of them.

pub mod discard;
pub mod ingest;
pub mod upkeep;

use std::sync::Arc;

use media::files::Kept;
use sqlx::PgPool;
use workflows::admin::{Hooks, check::Build};

use crate::tools::Tools;

/// Every step of all, by name: what this build can go on with. No step runs.
pub fn names(pool: &PgPool) -> Build {
    let tools = Arc::new(Tools::unconnected(pool.clone(), Kept::default()));
    Build::default()
        .with(&ingest::workflow(&tools))
        .with(&discard::workflow(&tools))
        .with(&upkeep::workflow(&tools).0)
}

/// What files want to be told when somebody ends their runs or makes them live again.
pub fn hooks(pool: &PgPool, kept: Kept) -> Hooks {
    Hooks::default().with(&ingest::workflow(&Arc::new(Tools::unconnected(
        pool.clone(),
        kept,
    ))))
}
