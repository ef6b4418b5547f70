//! What a document is, as its owner may know it.

use media::document::Facts;
use poem_openapi::Object;

use crate::contract::Count;

/// What a document is.
#[derive(Debug, Object)]
#[oai(rename = "DocumentFacts")]
pub struct DocumentView {
    /// How many pages it has.
    pub pages: Count,
    /// Width of its first page as displayed, in points of 1/72 inch.
    pub width_points: f64,
    /// Height of its first page as displayed, in points of 1/72 inch.
    pub height_points: f64,
}

impl From<Facts> for DocumentView {
    fn from(facts: Facts) -> Self {
        Self {
            pages: u64::from(facts.pages).into(),
            width_points: facts.width_points.into(),
            height_points: facts.height_points.into(),
        }
    }
}
