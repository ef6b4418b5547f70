//! What we are compared with: two peers at their best settings, and hand-written SQL as the limit.

pub mod apalis;
pub mod raw;
pub mod underway;

use std::fmt;

/// How a peer is set up.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Worker loops.
    pub workers: usize,
    /// Tasks that each runs at once.
    pub slots: usize,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} workers of {} slots", self.workers, self.slots)
    }
}
