//! What parent and child say to each other: one JSON request as an argument, one JSON answer on
//! standard output. Both ends are always the same build, so the shape may change freely.

use serde::{Deserialize, Serialize};

use crate::confine::Sandbox;
use crate::error::{Rejection, Resource};
use crate::image::{ImageProbe, RenderPlan, RenderedImage};
use crate::limits::ImageLimits;

/// An answer longer than this is not an answer.
pub(crate) const MAX_ANSWER_BYTES: u64 = 256 * 1024;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) sandbox: Sandbox,
    pub(crate) limits: ImageLimits,
    pub(crate) job: Job,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Job {
    ProbeImage,
    RenderImage(RenderPlan),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    Probed(Box<ImageProbe>),
    Rendered(Vec<RenderedImage>),
    Rejected(Rejection),
    LimitHit(Resource),
    /// The sandbox could not be set up; nothing was read.
    Unconfined(String),
    /// The machine failed the child.
    Failed(String),
}
