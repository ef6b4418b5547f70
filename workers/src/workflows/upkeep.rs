//! What is done by the clock.

use std::{sync::Arc, time::Duration};

use workflows::Workflow;

use super::discard;
pub use crate::steps::upkeep::Round;
use crate::{
    steps::upkeep::{self, Upkeep},
    tools::Tools,
};

const NAME: &str = "upkeep";
const VERSION: i32 = 1;

/// The route, and how often it is started.
pub fn workflow(tools: &Arc<Tools>) -> (Workflow<Round>, Duration) {
    let step = Upkeep {
        tools: tools.clone(),
        discards: discard::starter(),
    };
    let workflow = Workflow::named(NAME, VERSION).step(step).build();
    (workflow, upkeep::EVERY)
}
