//! Runs, as those see them who start them.

use crate::define::{payload::PayloadError, record::BoxError};

/// A run that could not be started. The caller's transaction should be rolled back.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The input has no JSON form, or none that could be read back.
    #[error("the run's input cannot be stored")]
    Input(#[source] PayloadError),
    /// The input's own code panicked.
    #[error("encoding the run's input failed: it {0}")]
    Panicked(String),
    /// The database refused or was lost.
    #[error("the run could not be stored")]
    Database(#[source] BoxError),
}

impl From<sqlx::Error> for StartError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}
