//! The simplest job: copies its input and says how long it is.

use std::fs::File;
use std::io::Write as _;

use sandbox::{Job, JobError};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub struct Measure;

/// Of an input that begins with `bad`: all of it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("the input is {0}")]
pub struct Refused(pub String);

impl Job for Measure {
    type Answer = u64;
    type Rejection = Refused;

    fn outputs(&self) -> Vec<String> {
        vec!["copy".to_owned()]
    }

    fn run(&self, inputs: &[&[u8]], outputs: &[File]) -> Result<u64, JobError<Refused>> {
        let input = inputs[0];
        if input.starts_with(b"bad") {
            let text = String::from_utf8_lossy(input);
            return Err(JobError::Rejected(Refused(text.into_owned())));
        }
        (&outputs[0]).write_all(input).map_err(JobError::Io)?;
        Ok(input.len() as u64)
    }
}
