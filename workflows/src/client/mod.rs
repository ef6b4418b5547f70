//! What programs do with runs besides working on them: start them, wait for them, read them, follow
//! what happens to them.

pub mod events;
pub(crate) mod hints;
pub mod inspect;
pub(crate) mod start;
pub mod wait;
