//! Every picture of a document is in place as it was stored.

use std::collections::BTreeSet;

use media::Warning;
use media::formats::OutputFormat;
use media::variants::{NewVariant, VariantKind};
use workflows::StepError;

use super::Probe;
use crate::kinds::{Output, Publication, Stored};
use crate::tools::Context;

/// Looks for each of them. Every output is a variant.
pub async fn publish(
    context: &Context,
    probe: &Probe,
    stored: Vec<Stored>,
) -> Result<Publication, StepError> {
    let mut variants = Vec::with_capacity(stored.len());
    let mut left_out: BTreeSet<_> = probe.further_pages().collect();
    for Stored {
        key,
        size_bytes,
        output,
    } in stored
    {
        let Output::Document(page) = output else {
            continue;
        };
        left_out.remove(&page.page);
        context.in_place(&key, size_bytes).await?;
        variants.push(NewVariant {
            kind: VariantKind::Page,
            format: OutputFormat::Webp,
            width: Some(page.width),
            height: Some(page.height),
            page: Some(page.page),
            placeholder: page.placeholder,
            bitrate: None,
            storage_path: key,
            size_bytes,
        });
    }
    Ok(Publication {
        variants,
        served: Vec::new(),
        report: None,
        audio: None,
        document: probe.facts.clone(),
        warnings: left_out
            .first()
            .map(|_| Warning::PagesLeftOut)
            .into_iter()
            .collect(),
    })
}
