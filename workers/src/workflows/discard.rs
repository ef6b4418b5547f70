//! What is left to do for a file that came to its end.

use std::sync::Arc;

use media::files::Refused;
use workflows::{Starter, Workflow};

use crate::{steps::discard::Discard, tools::Tools};

const NAME: &str = "discard";
const VERSION: i32 = 1;

/// Starts the removal of what is no longer needed of a file.
pub fn starter() -> Starter<Refused> {
    Starter::at::<Discard>(NAME, VERSION)
}

/// The route.
pub fn workflow(tools: &Arc<Tools>) -> Workflow<Refused> {
    Workflow::named(NAME, VERSION)
        .step(Discard(tools.clone()))
        .build()
}
