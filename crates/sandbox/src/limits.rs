//! How much one child may use.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Resource;

/// Limits of one child. The kernel holds all but the last two, which its parent does. What is enough depends on the
/// work, so there is no default here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Address space in bytes, a mapped input not counted.
    pub memory_bytes: u64,
    /// Processor time of all its threads together, in seconds.
    pub cpu_seconds: u64,
    /// Bytes of one file that it writes.
    pub file_bytes: u64,
    /// Bytes of its standard output.
    pub output_bytes: u64,
    /// Wall time from its start to its end.
    pub wall: Duration,
}

impl Limits {
    /// The limit on `resource`, as shown to people.
    pub(crate) fn describe(&self, resource: Resource) -> String {
        match resource {
            Resource::Memory => bytes(self.memory_bytes),
            Resource::Cpu => format!("{} s", self.cpu_seconds),
            Resource::WallTime => format!("{} s", self.wall.as_secs_f32()),
            Resource::FileSize => bytes(self.file_bytes),
            Resource::Output => bytes(self.output_bytes),
        }
    }
}

/// In the largest unit that needs no fraction.
fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["bytes", "KiB", "MiB", "GiB"];
    let fits = (0..UNITS.len())
        .rev()
        .find(|unit| bytes.is_multiple_of(1 << (10 * unit)));
    let unit = fits.filter(|_| bytes > 0).unwrap_or(0);
    format!("{} {}", bytes >> (10 * unit), UNITS[unit])
}
