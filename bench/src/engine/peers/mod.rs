//! What we are compared with: peers at their best settings, and hand-written SQL as the limit.

pub mod apalis;
pub mod awa;
pub mod dbos;
pub mod graphile;
pub mod raw;
pub mod underway;

use std::{fmt, ops::AsyncFn};

use anyhow::Result;

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

/// Tries each setting once, and gives the fastest.
async fn best<S: Copy + fmt::Display>(
    name: &str,
    settings: &[S],
    drain: impl AsyncFn(S) -> Result<f64>,
) -> Result<S> {
    let mut best = (0.0, settings[0]);
    for &setting in settings {
        let per_second = Box::pin(drain(setting)).await?;
        println!("trying {name} with {setting}: {per_second:.0}/s");
        if per_second > best.0 {
            best = (per_second, setting);
        }
    }
    Ok(best.1)
}
