//! What a document says of itself. No page is drawn here.

use std::ops::RangeInclusive;

use media::Rejection;
use media::document::Facts;
use media::formats::DocumentFormat;
use serde::{Deserialize, Serialize};
use workflows::{Attempt, StepError};

use crate::errors::decoded;
use crate::kinds::Source;
use crate::tools::Context;

/// A document that may be drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// PDF by its structure; texts are what they were declared as.
    pub format: DocumentFormat,
    /// What it is.
    pub facts: Facts,
    /// Of how many pages pictures are to be made, if it has so many. Said here once, so that whatever setting comes
    /// meanwhile, its tasks and what is served agree.
    #[serde(default = "one")]
    pub shown_pages: u32,
}

const fn one() -> u32 {
    1
}

impl Probe {
    /// The numbers of the pages behind the first of which pictures are made.
    pub fn further_pages(&self) -> RangeInclusive<u32> {
        2..=self.shown_pages.min(self.facts.pages)
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
        facts: Facts {
            pages: probe.pages,
            width_points: probe.width_points,
            height_points: probe.height_points,
        },
        shown_pages: context.document_pages,
    }))
}
