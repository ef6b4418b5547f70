//! PDF (ISO 32000-2), read as viewers do: damaged tables are made anew from the objects.

use hayro::hayro_syntax::object::{Array, Dict};
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use media::{Rejection, RejectionCode};

use super::DocumentProbe;

/// The longest side of a page in points that is believed: 200 inches are what viewers take (ISO 32000-2 annex C).
const LONGEST_POINTS: f32 = 14_400.0;

/// Opens it. What only its owner's password protects is open to everybody, as in viewers.
pub fn open(bytes: &[u8]) -> Result<Pdf, Rejection> {
    let document = Pdf::new(bytes.to_vec()).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Rejection::new(
            RejectionCode::Encrypted,
            "the document asks for a password before it shows anything",
        ),
        LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => Rejection::new(
            RejectionCode::Encrypted,
            "the document is encrypted in a way that is not known here",
        ),
        LoadPdfError::Decryption(_) | LoadPdfError::Invalid => damaged("no document"),
    })?;
    if is_xfa_only(&document) {
        let message = "the document is a form that only some programs show (dynamic XFA)";
        return Err(Rejection::new(RejectionCode::XfaOnly, message));
    }
    Ok(document)
}

/// The facts.
pub fn probe(document: &Pdf) -> Result<DocumentProbe, Rejection> {
    let (width, height) = page(document, 0)?.render_dimensions();
    Ok(DocumentProbe {
        pages: u32::try_from(document.pages().len()).unwrap_or(u32::MAX),
        width_points: width,
        height_points: height,
    })
}

/// The page with this index, which has a size that can be drawn.
pub fn page(document: &Pdf, index: usize) -> Result<&Page<'_>, Rejection> {
    let Some(page) = document.pages().get(index) else {
        return Err(match document.pages().len() {
            0 if lists_pages(document) => damaged("none of the pages that it lists can be read"),
            0 => Rejection::new(RejectionCode::Empty, "the document has no page"),
            _ => Rejection::new(RejectionCode::Empty, "the document has no such page"),
        });
    };
    let (width, height) = page.render_dimensions();
    let side = |side: f32| side.is_finite() && side > 0.0 && side <= LONGEST_POINTS;
    if !side(width) || !side(height) {
        return Err(damaged("a page without a size"));
    }
    Ok(page)
}

/// Whether its pages are made by a program from a template (ISO 32000-2 §12.7.8): what lies in the file as a page
/// says that one should get another program.
fn is_xfa_only(document: &Pdf) -> bool {
    let root: Option<Dict<'_>> = document.xref().get(document.xref().root_id());
    let Some(root) = root else { return false };
    let Some(form) = root.get::<Dict<'_>>("AcroForm") else {
        return false;
    };
    let no_fields = form
        .get::<Array<'_>>("Fields")
        .is_none_or(|fields| fields.raw_iter().next().is_none());
    let made_anew = root.get::<bool>("NeedsRendering") == Some(true);
    form.contains_key("XFA") && (made_anew || no_fields)
}

/// Whether its table of pages has anything in it.
fn lists_pages(document: &Pdf) -> bool {
    let root: Option<Dict<'_>> = document.xref().get(document.xref().root_id());
    let pages = root.and_then(|root| root.get::<Dict<'_>>("Pages"));
    let kids = pages.and_then(|pages| pages.get::<Array<'_>>("Kids"));
    kids.is_some_and(|kids| kids.raw_iter().next().is_some())
}

fn damaged(message: &str) -> Rejection {
    Rejection::new(RejectionCode::Malformed, message)
}
