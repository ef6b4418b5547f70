//! What a document says of itself. No page is drawn here.

use std::ops::RangeInclusive;

use codecs::DocumentProbe;
use media::document::Facts;
use media::formats::DocumentFormat;
use media::{Rejection, RejectionCode};
use serde::{Deserialize, Serialize};
use workflows::{Attempt, StepError};

use crate::errors::decoded;
use crate::kinds::Source;
use crate::tools::Context;

/// A document that may be drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// PDF and those of office programs by their structure; texts are what they were declared as.
    pub format: DocumentFormat,
    /// What it is; not known of one that is yet to become a PDF.
    pub facts: Option<Facts>,
    /// Of how many pages pictures are to be made, if it has so many. Said here once, so that whatever setting comes
    /// meanwhile, its tasks and what is served agree.
    #[serde(default = "one")]
    pub shown_pages: u32,
}

const fn one() -> u32 {
    1
}

impl Probe {
    /// The numbers of the pages behind the first of which pictures are made, as far as it is known how many there are.
    pub fn further_pages(&self) -> RangeInclusive<u32> {
        let pages = self.facts.as_ref().map_or(0, |facts| facts.pages);
        2..=self.shown_pages.min(pages)
    }
}

/// Has its structure read in the sandbox. The refusal is the file's, the error is not.
pub async fn probe(
    cx: &Attempt<Context>,
    source: &Source,
    format: DocumentFormat,
) -> Result<Result<Probe, Rejection>, StepError> {
    let context = &cx.context;
    let limits = super::limits(&context.limits);
    let probed = decoded(|| async {
        let file = context.open(source).await?;
        let probe = context
            .decoders
            .probe_document(file, format, &limits, &cx.cancelled);
        Ok(probe.await?)
    });
    Ok(probed.await?.map(|probe| Probe {
        format,
        facts: Some(facts(&probe)),
        shown_pages: context.document_pages,
    }))
}

/// The same of a document of an office program, of which no more is read than which it is.
pub async fn probe_office(
    cx: &Attempt<Context>,
    source: &Source,
) -> Result<Result<Probe, Rejection>, StepError> {
    let context = &cx.context;
    let limits = super::limits(&context.limits);
    let probed = decoded(|| async {
        let file = context.open(source).await?;
        let format = context
            .decoders
            .examine_office(file, &limits, &cx.cancelled);
        Ok(format.await?)
    });
    let probe = |format| Probe {
        format,
        facts: None,
        shown_pages: context.document_pages,
    };
    Ok(probed.await?.and_then(|format| match context.office {
        Some(_) => Ok(probe(format)),
        None => Err(untaken(format)),
    }))
}

fn untaken(format: DocumentFormat) -> Rejection {
    let message = "documents of office programs are not taken here, where there is no LibreOffice to open them; PDF is";
    let found = format.capabilities().mime_type;
    Rejection::new(RejectionCode::OfficeDocument, message).measured(found)
}

/// What the decoder says, in the domain's words.
pub fn facts(probe: &DocumentProbe) -> Facts {
    Facts {
        pages: probe.pages,
        width_points: probe.width_points,
        height_points: probe.height_points,
    }
}
