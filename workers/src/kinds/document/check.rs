//! Whether everything that a document is served with was made. No I/O.

use super::{Output, plan};

/// A set of outputs that may not be served.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// Some are missing, or there are more than planned.
    #[error("{made} pictures of the first page were made, of {planned}")]
    Pictures {
        /// So many were made.
        made: usize,
        /// So many are planned.
        planned: usize,
    },
}

/// Whether the set is whole. Of a page that is a narrow strip, pictures are left out that would be wider than it.
pub fn check<'a>(outputs: impl Iterator<Item = &'a Output>) -> Result<(), Incomplete> {
    let planned = plan::render_plan().outputs.len();
    let made = outputs.count();
    if (1..=planned).contains(&made) {
        return Ok(());
    }
    Err(Incomplete::Pictures { made, planned })
}
