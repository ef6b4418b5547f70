//! An original on the disk of this machine, where a foreign tool works on it.

use std::path::PathBuf;

use tempfile::TempDir;
use workflows::StepError;

use super::Context;
use crate::errors;
use crate::kinds::Source;

/// An original, and beside it a folder to work in. Both go with the value.
pub(crate) struct Workplace {
    pub(crate) folder: TempDir,
}

impl Workplace {
    /// Brings the original here. All of it is copied from storage unless this machine has it.
    pub(crate) async fn new(context: &Context, source: &Source) -> Result<Self, StepError> {
        let workplace = Self {
            folder: context.folder()?,
        };
        let disk = |error| errors::machine("cannot make a scratch folder", error);
        std::fs::create_dir(workplace.scratch()).map_err(disk)?;
        context.link(source, &workplace.original()).await?;
        Ok(workplace)
    }

    /// The original. A tool may only read it: it is not in the folder that the tool writes to.
    pub(crate) fn original(&self) -> PathBuf {
        self.folder.path().join("original")
    }

    /// Where a tool writes.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.folder.path().join("scratch")
    }
}
