//! Documents of office programs: what they are, read by us from the package around them, and how LibreOffice turns them
//! into a PDF, which goes on as any other.
//!
//! Two children of different kinds. A job of ours ([`examine`]) looks at the package before LibreOffice sees it: which
//! document it is, whether it asks for a password, and whether it is larger than it looks. Then LibreOffice opens it, as a
//! tool in the sandbox ([`LibreOffice`]).

mod compound;
mod libreoffice;
mod package;

use media::formats::DocumentFormat;
use media::{Rejection, RejectionCode};

pub use self::libreoffice::{LibreOffice, Missing, OfficeError};

/// Which document it is, by what is in it.
pub fn examine(bytes: &[u8]) -> Result<DocumentFormat, Rejection> {
    if bytes.starts_with(b"PK") {
        return package::examine(bytes);
    }
    if bytes.starts_with(&compound::MAGIC) {
        return compound::examine(bytes);
    }
    if bytes.starts_with(br"{\rtf") {
        return Ok(DocumentFormat::Rtf);
    }
    Err(damaged())
}

fn damaged() -> Rejection {
    let message = "the document is damaged or cut short, so that it cannot be opened";
    Rejection::new(RejectionCode::Malformed, message)
}

fn encrypted() -> Rejection {
    let message = "the document asks for a password before it shows anything";
    Rejection::new(RejectionCode::Encrypted, message)
}

fn unsupported(found: &str) -> Rejection {
    let message = "this type of file is not taken";
    Rejection::new(RejectionCode::UnsupportedType, message).measured(found)
}
