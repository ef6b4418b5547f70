//! What one call of a tool may use.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Limits of one call. The kernel holds all but the last two; those are held by the caller's side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolLimits {
    /// Address space in bytes. An encode of three rungs from 1080p takes about 1.3 GB of it.
    pub memory_bytes: u64,
    /// Processor time of all threads together, in seconds.
    pub cpu_seconds: u64,
    /// The largest file that may be written, in bytes.
    pub file_bytes: u64,
    /// Bytes of standard output that are read before the tool is ended.
    pub output_bytes: u64,
    /// Time by the clock on the wall.
    pub wall: Duration,
}

impl Default for ToolLimits {
    /// Enough for a look at a file: 2 GiB, two minutes.
    fn default() -> Self {
        Self {
            memory_bytes: 2 << 30,
            cpu_seconds: 60,
            file_bytes: 64 << 20,
            output_bytes: 16 << 20,
            wall: Duration::from_mins(2),
        }
    }
}

/// What a tool may run out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// [`ToolLimits::memory_bytes`].
    Memory,
    /// [`ToolLimits::cpu_seconds`].
    Cpu,
    /// [`ToolLimits::file_bytes`].
    FileSize,
    /// [`ToolLimits::output_bytes`].
    Output,
    /// [`ToolLimits::wall`].
    WallTime,
}

impl ToolLimits {
    /// The limit of `resource` in words, with its unit.
    pub fn describe(&self, resource: Resource) -> String {
        match resource {
            Resource::Memory => format!("{} bytes of memory", self.memory_bytes),
            Resource::Cpu => format!("{} seconds of processor time", self.cpu_seconds),
            Resource::FileSize => format!("{} bytes in a file", self.file_bytes),
            Resource::Output => format!("{} bytes of output", self.output_bytes),
            Resource::WallTime => format!("{} seconds", self.wall.as_secs()),
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Cpu => "processor time",
            Self::FileSize => "size of a file",
            Self::Output => "output",
            Self::WallTime => "time",
        })
    }
}
