//! What is done by the clock.

use workflows::Workflow;

pub use crate::steps::upkeep::{EVERY, Round};
use crate::{steps::upkeep::Upkeep, tools::Context};

/// The route, started every [`EVERY`].
pub fn workflow() -> Workflow<Round, Context> {
    Workflow::named("upkeep", 1).step::<Upkeep>().build()
}
