//! What an image file says of itself. No pixel is decoded here.

use media::Rejection;
use media::formats::ImageFormat;
use serde::{Deserialize, Serialize};
use workflows::{Attempt, StepError};

use crate::errors::decoded;
use crate::kinds::Source;
use crate::tools::Context;

/// An image that may be decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// By structure, whatever was declared.
    pub format: ImageFormat,
    /// Pixels as displayed.
    pub width: u32,
    /// Pixels as displayed.
    pub height: u32,
    /// Whether it has light beyond white, by what the file says.
    #[serde(default)]
    pub has_hdr: bool,
}

/// Has the whole structure read in the sandbox. The refusal is the file's, the error is not.
pub async fn probe(
    cx: &Attempt<Context>,
    source: &Source,
) -> Result<Result<Probe, Rejection>, StepError> {
    let context = &cx.context;
    let limits = super::limits(&context.limits);
    let probed = decoded(|| async {
        let file = context.open(source).await?;
        let probe = context.decoders.probe_image(file, &limits, &cx.cancelled);
        Ok(probe.await?)
    });
    Ok(probed.await?.map(|probe| Probe {
        format: probe.format,
        width: probe.width,
        height: probe.height,
        has_hdr: probe.has_hdr,
    }))
}
