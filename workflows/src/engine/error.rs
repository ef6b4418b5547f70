//! Why an engine did not start, or did not go on.

use crate::store::error::StoreError;

/// The engine could not start, or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Settings, workflows or the way to the database make no sense. Nothing was begun.
    #[error("the engine is set up wrongly: {}", .0.join("; "))]
    Misconfigured(Vec<String>),
    /// Postgres could not be reached or refused.
    #[error("cannot register with the database")]
    Database(#[from] StoreError),
    /// The system gave no thread.
    #[error("cannot start a thread")]
    Thread(#[from] std::io::Error),
    /// A part of the engine ended by itself. What it had claimed was handed back; the process
    /// should be started again.
    #[error("the engine stopped, because {part} ended: {why}")]
    Ended {
        /// The name of the part, as logs have it.
        part: String,
        /// What it said.
        why: String,
    },
}
