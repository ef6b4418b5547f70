//! What code of the caller can do to the process, and what the process does when one of its own
//! parts ends.

mod bomb;
mod fail_stop;
mod misconfigured;
mod panics;
mod schedules;

pub use fail_stop::engine_whose_part_panics;
