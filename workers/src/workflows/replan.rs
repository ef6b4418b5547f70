//! A film whose pieces did not fit together, once more in one piece.

use std::sync::LazyLock;

use workflows::{Starter, Workflow};

pub use crate::steps::replan::Torn;
use crate::{steps::replan::Replan, tools::Context};

/// Makes a film once more, in one piece.
pub fn workflow() -> Workflow<Torn, Context> {
    Workflow::named("replan", 1).step::<Replan>().build()
}

/// Starts it, in the transaction that ends the film's run.
pub(super) fn starter() -> Starter<Torn> {
    static STARTER: LazyLock<Starter<Torn>> = LazyLock::new(|| workflow().starter());
    STARTER.clone()
}
