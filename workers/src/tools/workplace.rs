//! An original on the disk of this machine, where a foreign tool works on it.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use tempfile::TempDir;
use workflows::StepError;

use super::Context;
use crate::errors;
use crate::kinds::Source;

/// Enough for every brand and document type.
const START_BYTES: u64 = 64;

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

    /// The first bytes of the original: what some formats differ by.
    pub(crate) fn start(&self) -> Result<Vec<u8>, StepError> {
        let mut start = Vec::new();
        File::open(self.original())
            .and_then(|file| file.take(START_BYTES).read_to_end(&mut start))
            .map_err(|error| errors::machine("cannot read the scratch folder", error))?;
        Ok(start)
    }

    /// Where a tool writes.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.folder.path().join("scratch")
    }
}
