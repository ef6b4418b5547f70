//! What became of the files, told as it comes, and what it means together.

use std::path::Path;

use serde_json::json;

use super::{client::failure, exit::Failure, session::Session, shown, watch::Outcome};
use crate::output::{self, OutputError, note, out};

/// The files that came to their ends.
pub struct Ends {
    as_json: bool,
    worst: Option<Failure>,
    /// Remembered until nothing is left that the same command could do when it is run again: it is to send what was
    /// not sent, and to send nothing twice.
    sessions: Vec<Session>,
    /// Another try might get further.
    unfinished: bool,
}

impl Ends {
    pub fn new(as_json: bool) -> Self {
        Self {
            as_json,
            worst: None,
            sessions: Vec::new(),
            unfinished: false,
        }
    }

    /// Says what became of a file.
    pub fn add(
        &mut self,
        path: &Path,
        end: anyhow::Result<(Outcome, Session)>,
    ) -> Result<(), OutputError> {
        let failure = match end {
            Ok((outcome, session)) => {
                self.sessions.push(session);
                if self.as_json {
                    out!("{}", outcome.to_json(path))?;
                } else {
                    out!("{}: {outcome}", shown(path))?;
                }
                outcome.failure()
            }
            Err(error) => {
                let told = output::sentence(&error);
                if self.as_json {
                    let path = path.to_string_lossy();
                    out!("{}", json!({ "path": path, "error": told }))?;
                } else {
                    note!("{}: {}", shown(path), output::harmless(&told));
                }
                let failure = failure(&error);
                self.unfinished |= failure != Failure::Refused;
                Some(failure)
            }
        };
        self.worst = self.worst.max(failure);
        Ok(())
    }

    /// All files have come to their ends. Returns the worst that happened.
    pub fn worst(self) -> Option<Failure> {
        if !self.unfinished {
            self.sessions.iter().for_each(Session::forget);
        }
        self.worst
    }
}
