//! What is left to do for a file that came to its end.

use std::sync::LazyLock;

use media::files::Refused;
use workflows::{Starter, Workflow};

use crate::{steps::discard::Discard, tools::Context};

/// Removes what is left of a refused file.
pub fn workflow() -> Workflow<Refused, Context> {
    Workflow::named("discard", 1).step::<Discard>().build()
}

/// Starts the removal of what is no longer needed of a file. Made once: every end of a run asks for it, inside its
/// transaction.
pub fn starter() -> Starter<Refused> {
    static STARTER: LazyLock<Starter<Refused>> = LazyLock::new(|| workflow().starter());
    STARTER.clone()
}
