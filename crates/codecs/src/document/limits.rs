//! How much one document may ask for.

use std::time::Duration;

use media::{Rejection, RejectionCode};
use serde::{Deserialize, Serialize};

const MIB: u64 = 1 << 20;

/// Limits for one look at a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentLimits {
    /// Bytes of the input file.
    pub max_input_bytes: u64,
    /// Of the child that works on it.
    pub process: sandbox::Limits,
}

impl Default for DocumentLimits {
    fn default() -> Self {
        Self {
            max_input_bytes: 256 * MIB,
            process: sandbox::Limits {
                memory_bytes: 2048 * MIB,
                cpu_seconds: 60,
                wall: Duration::from_mins(4),
                file_bytes: 64 * MIB,
                output_bytes: MIB / 4,
            },
        }
    }
}

impl DocumentLimits {
    /// Refuses a file that is too long. No byte of it is looked at.
    pub(crate) fn check_length(&self, bytes: &[u8]) -> Result<(), Rejection> {
        let (limit, measured) = (self.max_input_bytes, bytes.len() as u64);
        if measured <= limit {
            return Ok(());
        }
        let message = format!("{measured} bytes, at most {limit} allowed");
        let rejection = Rejection::new(RejectionCode::FileTooLarge, message);
        Err(rejection
            .limit(format!("{limit} bytes"))
            .measured(format!("{measured} bytes")))
    }
}
