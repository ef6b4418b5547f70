//! An original on the disk of this machine, where a foreign tool works on it.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use video::exec::Tools;
use workflows::StepError;

use super::{Context, Reader};
use crate::errors;
use crate::kinds::Source;

/// Enough for every brand and document type.
const START_BYTES: u64 = 64;

/// An original, and beside it a folder to work in. Both go with the value.
pub(crate) struct Workplace {
    pub(crate) folder: TempDir,
    /// Where only what is read of the original comes here.
    reader: Option<Arc<Reader>>,
}

impl Workplace {
    /// Brings the original here. All of it is copied from storage unless this machine has it.
    pub(crate) async fn new(context: &Context, source: &Source) -> Result<Self, StepError> {
        let workplace = Self::empty(context)?;
        context.link(source, &workplace.original()).await?;
        Ok(workplace)
    }

    /// The same for tools that read only a part of the original: no more of it is copied than [`Self::tools`] read.
    /// [`Self::has_brought`] says whose the error was when that failed.
    pub(crate) async fn in_part(context: &Context, source: &Source) -> Result<Self, StepError> {
        let mut workplace = Self::empty(context)?;
        let part = context.part(source, &workplace.original()).await?;
        workplace.reader = part.map(|part| Arc::new(Reader::new(part)));
        Ok(workplace)
    }

    fn empty(context: &Context) -> Result<Self, StepError> {
        let workplace = Self {
            folder: context.folder()?,
            reader: None,
        };
        let disk = |error| errors::machine("cannot make a scratch folder", error);
        std::fs::create_dir(workplace.scratch()).map_err(disk)?;
        Ok(workplace)
    }

    /// Tools that can read the original.
    pub(crate) fn tools(&self, context: &Context) -> Tools {
        match &self.reader {
            Some(reader) => context.tools.filled_by(reader.clone()),
            None => context.tools.clone(),
        }
    }

    /// Whether all that was read of the original could be had.
    pub(crate) fn has_brought(&self) -> Result<(), StepError> {
        let failure = self.reader.as_ref().and_then(|reader| reader.failure());
        failure.map_or(Ok(()), |error| Err(errors::scratch(error)))
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
