//! What is left to do for a file that came to its end.

use media::files::Refused;
use workflows::{Starter, Workflow};

use crate::{steps::discard::Discard, tools::Context};

/// The route.
pub fn workflow() -> Workflow<Refused, Context> {
    Workflow::named("discard", 1).step::<Discard>().build()
}

/// Starts the removal of what is no longer needed of a file.
pub fn starter() -> Starter<Refused> {
    workflow().starter()
}
