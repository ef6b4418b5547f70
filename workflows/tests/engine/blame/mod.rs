//! Who pays for what: a task for what it did itself, and for nothing else.

mod blocking;
mod charges;
mod cuts;
mod neighbours;
mod outages;
mod payloads;
mod refusals;

pub use neighbours::worker_with_a_pill;
