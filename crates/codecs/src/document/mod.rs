//! Documents: from untrusted bytes to facts about them, and to clean pictures of their pages.
//!
//! Pure functions over byte slices; no file is opened here, no script runs, and nothing outside is fetched: the
//! renderer can do neither. Nothing here bounds memory or time beyond the length of the input: the process does that.

mod fonts;
mod limits;
pub mod office;
mod page;
mod pdf;
mod text;

use std::io;

use media::Rejection;
use media::formats::DocumentFormat;
use serde::{Deserialize, Serialize};

pub use self::limits::DocumentLimits;

use crate::image::{ImageError, RenderPlan, Rendered};

/// What a document says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocumentProbe {
    /// Pages; at least one.
    pub pages: u32,
    /// Width of the first page as displayed, cropped and turned, in points of 1/72 inch.
    pub width_points: f32,
    /// Height of the first page as displayed, cropped and turned, in points of 1/72 inch.
    pub height_points: f32,
}

/// Reads the document's structure and its first page's size.
pub fn probe(bytes: &[u8], format: DocumentFormat) -> Result<DocumentProbe, Rejection> {
    if !format.is_text() {
        return pdf::probe(&pdf::open(bytes)?);
    }
    let text::Typeset { pages, page } = text::typeset(bytes, format, 1)?;
    let first = pdf::probe(&pdf::open(&page)?)?;
    Ok(DocumentProbe { pages, ..first })
}

/// Renders page `number`, counted from 1, at the widths of `plan`, and hands each to `write` with its index in the plan.
pub fn render(
    bytes: &[u8],
    format: DocumentFormat,
    number: u32,
    plan: &RenderPlan,
    write: impl FnMut(usize, &[u8]) -> io::Result<()>,
) -> Result<Rendered, ImageError> {
    let (document, index) = if format.is_text() {
        (pdf::open(&text::typeset(bytes, format, number)?.page)?, 0)
    } else {
        (pdf::open(bytes)?, number.saturating_sub(1) as usize)
    };
    page::render(pdf::page(&document, index)?, plan, write)
}
