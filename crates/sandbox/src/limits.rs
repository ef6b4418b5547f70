//! How much one child may use. The kernel enforces it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Resource;

const MIB: u64 = 1 << 20;

/// Limits of one child. What is enough depends on the job, so there is no default here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Address space in bytes, the mapped input not counted.
    pub memory_bytes: u64,
    /// CPU time in seconds.
    pub cpu_seconds: u64,
    /// Wall time from start to answer.
    pub wall: Duration,
    /// Bytes of one output file.
    pub max_output_bytes: u64,
}

impl Limits {
    /// The limit on `resource`, as shown to people.
    pub(crate) fn describe(&self, resource: Resource) -> String {
        match resource {
            Resource::Memory => format!("{} MiB", self.memory_bytes / MIB),
            Resource::Cpu => format!("{} s", self.cpu_seconds),
            Resource::WallTime => format!("{} s", self.wall.as_secs_f32()),
            Resource::OutputSize => format!("{} MiB", self.max_output_bytes / MIB),
        }
    }
}
