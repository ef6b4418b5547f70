//! Every variant of an image is in place as it was stored.

use media::Warning;
use media::variants::NewVariant;
use workflows::StepError;

use crate::kinds::{Output, Publication, Stored};
use crate::tools::Context;

/// Looks for each of them. Every output is a variant.
pub async fn publish(context: &Context, stored: Vec<Stored>) -> Result<Publication, StepError> {
    let mut variants = Vec::with_capacity(stored.len());
    let (mut is_cut, mut is_first_frame) = (false, false);
    for Stored {
        key,
        size_bytes,
        output,
    } in stored
    {
        let Output::Image(image) = output else {
            continue;
        };
        is_cut |= image.is_cut;
        is_first_frame |= image.is_first_frame;
        context.in_place(&key, size_bytes).await?;
        variants.push(NewVariant {
            kind: image.kind,
            format: image.format,
            width: Some(image.width),
            height: Some(image.height),
            page: None,
            placeholder: None,
            bitrate: None,
            storage_path: key,
            size_bytes,
        });
    }
    let warnings = [
        is_cut.then_some(Warning::Truncated),
        is_first_frame.then_some(Warning::FirstFrameOnly),
    ];
    Ok(Publication {
        variants,
        served: Vec::new(),
        report: None,
        audio: None,
        document: None,
        warnings: warnings.into_iter().flatten().collect(),
    })
}
