//! Compound files (MS-CFB), in which Word, Excel and PowerPoint kept documents until 2007, and keep encrypted ones today.

use std::io::{Cursor, Read as _};

use cfb::CompoundFile;
use media::Rejection;
use media::formats::DocumentFormat;

use super::{damaged, encrypted, unsupported};

/// The first bytes of each.
pub const MAGIC: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

/// What is looked at of a stream: where passwords are spoken of is at its start.
const START_BYTES: u64 = 64 << 10;

/// Which document it is.
pub fn examine(bytes: &[u8]) -> Result<DocumentFormat, Rejection> {
    let mut file = CompoundFile::open(Cursor::new(bytes)).map_err(|_| damaged())?;
    // An Office Open XML document with a password (MS-OFFCRYPTO §1.3.2).
    if file.exists("/EncryptedPackage") {
        return Err(encrypted());
    }
    let mut start = |name: &str| {
        let mut start = Vec::new();
        let stream = file.open_stream(name).ok()?;
        stream.take(START_BYTES).read_to_end(&mut start).ok()?;
        Some(start)
    };
    let (format, has_password) = if let Some(word) = start("/WordDocument") {
        (DocumentFormat::Doc, word_has_password(&word))
    } else if let Some(book) = start("/Workbook").or_else(|| start("/Book")) {
        (DocumentFormat::Xls, book_has_password(&book))
    } else if start("/PowerPoint Document").is_some() {
        let user = start("/Current User").unwrap_or_default();
        (DocumentFormat::Ppt, show_has_password(&user))
    } else {
        return Err(unsupported("application/x-ole-storage"));
    };
    if has_password {
        return Err(encrypted());
    }
    Ok(format)
}

/// The flag `fEncrypted` of the file information block (MS-DOC §2.5.2).
fn word_has_password(start: &[u8]) -> bool {
    start.get(11).is_some_and(|flags| flags & 1 == 1)
}

/// A record `FilePass` behind the first (MS-XLS §2.4.117): records are a type, a length and so many bytes.
fn book_has_password(start: &[u8]) -> bool {
    const FILE_PASS: [u8; 2] = [0x2f, 0];
    const BOUND_SHEET: [u8; 2] = [0x85, 0];
    let mut rest = start;
    while let Some(&[a, b, low, high]) = rest.first_chunk() {
        match [a, b] {
            FILE_PASS => return true,
            // It would stand before the list of sheets.
            BOUND_SHEET => return false,
            _ => {}
        }
        let length = usize::from(u16::from_le_bytes([low, high]));
        rest = rest.get(4 + length..).unwrap_or_default();
    }
    false
}

/// What the record of the last editor says (`headerToken`, MS-PPT §2.3.2).
fn show_has_password(user: &[u8]) -> bool {
    user.get(12..16) == Some(&[0xdf, 0xc4, 0xd1, 0xf3])
}
