//! Texts: typeset as a PDF of A4 pages, which then goes the way of every other.

mod decode;
mod lines;
mod table;
mod write;

use media::formats::DocumentFormat;
use media::{Rejection, RejectionCode};

/// What is made of a text.
pub(super) struct Typeset {
    /// Pages of the whole text.
    pub(super) pages: u32,
    /// A PDF of the one that was asked for.
    pub(super) page: Vec<u8>,
}

/// Typesets page `number`, counted from 1: CSV as a table, if it has more than one column. Refuses what is no text, and
/// one without anything to read.
pub(super) fn typeset(
    bytes: &[u8],
    format: DocumentFormat,
    number: u32,
) -> Result<Typeset, Rejection> {
    let text = decode::decode(bytes)?;
    if text.chars().all(char::is_whitespace) {
        let message = "there is nothing in the text";
        return Err(Rejection::new(RejectionCode::Empty, message));
    }
    if format == DocumentFormat::Csv
        && let Some(table) = table::typeset(&text, number)
    {
        return Ok(table);
    }
    let lines = lines::lay_out(&text, number);
    Ok(Typeset {
        pages: lines.pages,
        page: write::page(&lines.shown),
    })
}
