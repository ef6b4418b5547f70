//! What parent and child say to each other: one JSON request as an argument, one JSON answer on standard output. Both
//! ends are always the same build, so the shape may change freely.

use std::fs::File;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::{JobError, Resource};
use crate::limits::Limits;
use crate::profiles::Mode;

/// An answer longer than this is not an answer.
pub(crate) const MAX_ANSWER_BYTES: u64 = 256 * 1024;

/// Work that a child does on one input.
pub trait Job: Serialize + DeserializeOwned {
    /// What it finds out.
    type Answer: Serialize + DeserializeOwned;
    /// Why it refuses an input.
    type Rejection: std::error::Error + Serialize + DeserializeOwned + 'static;

    /// Names of the files that it writes. They are made, empty, in the child's folder before the child gives up
    /// opening files. Chosen by us, never taken from a user.
    fn outputs(&self) -> Vec<String>;

    /// Does it, in the child. `outputs` are the files of [`Job::outputs`], in the same order.
    fn run(
        &self,
        input: &[u8],
        outputs: &[File],
    ) -> Result<Self::Answer, JobError<Self::Rejection>>;
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request<J> {
    pub(crate) mode: Mode,
    pub(crate) limits: Limits,
    pub(crate) job: J,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer<T, R> {
    Done(T),
    Rejected(R),
    LimitHit(Resource),
    /// The sandbox could not be set up; nothing was read.
    Unconfined(String),
    /// The machine failed the child.
    Failed(String),
}
