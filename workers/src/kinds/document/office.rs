//! A document of an office program as a PDF on this machine.

use std::fs::File;
use std::path::PathBuf;

use codecs::{LibreOffice, OfficeError};
use media::document::Facts;
use media::formats::DocumentFormat;
use sandbox::ToolError;
use tempfile::TempDir;
use workflows::{Attempt, NextOnError, StepError};

use super::probe;
use crate::errors::{self, StepOrDecodeError, decoded, tried};
use crate::kinds::Source;
use crate::tools::{Context, Workplace};

/// What LibreOffice made of it.
pub struct Converted {
    pdf: PathBuf,
    pub facts: Facts,
    /// Where it is. It goes with the value.
    _folder: TempDir,
}

/// It is here no more, though some process took the document.
#[derive(Debug, thiserror::Error)]
#[error("there is no LibreOffice on this machine")]
struct Gone;

impl Converted {
    /// Has it opened and written as a PDF, whose facts are read as those of any.
    pub async fn new(
        cx: &Attempt<Context>,
        source: &Source,
        format: DocumentFormat,
    ) -> Result<Self, StepError> {
        let context = &cx.context;
        let office = context.office.as_ref().ok_or(Gone).or_retry()?;
        let workplace = Workplace::new(context, source).await?;
        let original = workplace.original();
        let converted = tried(cx, || async {
            let folder = context.scratch.folder();
            let folder = folder.map_err(ToolError::io("making a scratch folder"))?;
            let limits = LibreOffice::limits();
            let pdf = office.convert(&original, format, folder.path(), &limits);
            Ok::<_, OfficeError>((pdf.await?, folder))
        });
        let (pdf, folder) = converted.await?.map_err(errors::reject)?;
        let limits = super::limits(&context.limits);
        let probed = decoded(|| async {
            let file = open(&pdf)?;
            let decoders = &context.decoders;
            let probe = decoders.probe_document(file, DocumentFormat::Pdf, &limits, &cx.cancelled);
            Ok::<_, StepOrDecodeError>(probe.await?)
        });
        let probe = probed.await?.map_err(errors::reject)?;
        Ok(Self {
            pdf,
            facts: probe::facts(&probe),
            _folder: folder,
        })
    }

    /// The PDF.
    pub fn open(&self) -> Result<File, StepError> {
        open(&self.pdf)
    }
}

fn open(pdf: &std::path::Path) -> Result<File, StepError> {
    File::open(pdf).map_err(|error| errors::machine("cannot read the scratch folder", error))
}
