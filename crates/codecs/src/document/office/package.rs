//! Packages: ZIP archives with the parts of a document (ISO/IEC 29500-2, ISO/IEC 26300-2). No part is unpacked here but
//! those that say what it is.

use std::io::Read as _;

use flate2::read::DeflateDecoder;
use media::formats::DocumentFormat;
use media::{Rejection, RejectionCode};

use super::{damaged, encrypted, unsupported};

/// The most that all parts may come to, unpacked: a document of so much is no document.
const UNPACKED_BYTES: u64 = 512 << 20;
/// The most that is unpacked of a part here.
const PART_BYTES: u64 = 8 << 20;

const END: &[u8] = b"PK\x05\x06";
const ENTRY: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";
/// Bytes of the record at the end, without the comment, which has no more than `u16::MAX`.
const END_BYTES: usize = 22;
const ENTRY_BYTES: usize = 46;
const LOCAL_BYTES: usize = 30;

/// Media types of OpenDocument, which also templates begin with.
const OPEN_DOCUMENT: [(&str, DocumentFormat); 3] = [
    (
        "application/vnd.oasis.opendocument.text",
        DocumentFormat::Odt,
    ),
    (
        "application/vnd.oasis.opendocument.spreadsheet",
        DocumentFormat::Ods,
    ),
    (
        "application/vnd.oasis.opendocument.presentation",
        DocumentFormat::Odp,
    ),
];
/// Bytes of a part, unpacked, in which its definitions stand, if it has any.
const HEAD_BYTES: u64 = 8 << 10;
/// Folders in which Office Open XML has the parts of each kind of document.
const OPEN_XML: [(&[u8], DocumentFormat); 3] = [
    (b"word/", DocumentFormat::Docx),
    (b"xl/", DocumentFormat::Xlsx),
    (b"ppt/", DocumentFormat::Pptx),
];

/// Which document it is.
pub fn examine(bytes: &[u8]) -> Result<DocumentFormat, Rejection> {
    let parts = parts(bytes).ok_or_else(damaged)?;
    if parts.iter().any(|part| part.encrypted) {
        return Err(encrypted());
    }
    let unpacked = parts
        .iter()
        .fold(0_u64, |sum, part| sum.saturating_add(part.unpacked));
    let format = format(bytes, &parts)?;
    if unpacked > UNPACKED_BYTES {
        let message = "the document is too large when it is unpacked";
        return Err(Rejection::new(RejectionCode::TooExpensive, message)
            .limit(format!("{UNPACKED_BYTES} bytes"))
            .measured(format!("{unpacked} bytes")));
    }
    if parts.iter().any(|part| part.defines_entities(bytes)) {
        let message = "the document defines entities of its own, which no document may: they can stand for any amount of text";
        return Err(Rejection::new(RejectionCode::Malformed, message));
    }
    Ok(format)
}

fn format(bytes: &[u8], parts: &[Part<'_>]) -> Result<DocumentFormat, Rejection> {
    let part = |name: &[u8]| parts.iter().find(|part| part.name == name);
    let open_xml = part(b"[Content_Types].xml").and_then(|_| {
        let has = |folder: &[u8]| parts.iter().any(|part| part.name.starts_with(folder));
        OPEN_XML.into_iter().find(|(folder, _)| has(folder))
    });
    if let Some((_, format)) = open_xml {
        return Ok(format);
    }
    let said = part(b"mimetype").and_then(|part| part.content(bytes));
    let said = said.and_then(|said| String::from_utf8(said).ok());
    let said = said.as_deref().unwrap_or("application/zip").trim();
    let known = OPEN_DOCUMENT
        .into_iter()
        .find(|(mime, _)| *mime == said || said.strip_suffix("-template") == Some(mime));
    let Some((_, format)) = known else {
        return Err(unsupported(&said.chars().take(80).collect::<String>()));
    };
    let manifest = part(b"META-INF/manifest.xml").and_then(|part| part.content(bytes));
    let marker = b"encryption-data";
    let is_encrypted = |manifest: Vec<u8>| manifest.windows(marker.len()).any(|at| at == marker);
    if manifest.is_some_and(is_encrypted) {
        return Err(encrypted());
    }
    Ok(format)
}

/// A part, as the directory has it.
struct Part<'a> {
    name: &'a [u8],
    encrypted: bool,
    /// 0 is stored, 8 is deflated.
    method: u16,
    packed: u64,
    unpacked: u64,
    /// Where its own record begins.
    start: u64,
}

impl Part<'_> {
    /// What is in it, as far as it is looked at. `None` where the archive is damaged.
    fn content(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.beginning(bytes, PART_BYTES)
    }

    /// Whether it is XML that defines entities (XML 1.0 §4.2), before which only comments and instructions may stand.
    fn defines_entities(&self, bytes: &[u8]) -> bool {
        if !self.name.ends_with(b".xml") && !self.name.ends_with(b".rels") {
            return false;
        }
        let mut head = self.beginning(bytes, HEAD_BYTES).unwrap_or_default();
        // In UTF-16, every second byte of the marks is zero.
        head.retain(|byte| *byte != 0);
        let find = |bytes: &[u8], mark: &[u8]| bytes.windows(mark.len()).position(|at| at == mark);
        let mut rest = &head[..];
        while let Some(start) = find(rest, b"<") {
            rest = &rest[start..];
            let end = match rest {
                [b'<', b'?', ..] => find(rest, b"?>"),
                [b'<', b'!', b'-', b'-', ..] => find(rest, b"-->"),
                [b'<', b'!', ..] => return find(rest, b"<!ENTITY").is_some(),
                _ => return false,
            };
            let Some(end) = end else { return false };
            rest = &rest[end..];
        }
        false
    }

    /// So many bytes of what is in it. `None` where the archive is damaged.
    fn beginning(&self, bytes: &[u8], most: u64) -> Option<Vec<u8>> {
        let local = bytes.get(usize::try_from(self.start).ok()?..)?;
        let head = local.strip_prefix(LOCAL).map(|_| local)?;
        let before = LOCAL_BYTES + usize::from(u16_at(head, 26)?) + usize::from(u16_at(head, 28)?);
        let packed = local.get(before..)?;
        let length = packed.len().min(usize::try_from(self.packed).ok()?);
        let packed = &packed[..length];
        let mut content = Vec::new();
        match self.method {
            0 => packed.take(most).read_to_end(&mut content).ok()?,
            8 => {
                let unpacked = DeflateDecoder::new(packed);
                unpacked.take(most).read_to_end(&mut content).ok()?
            }
            _ => return None,
        };
        Some(content)
    }
}

/// Every part of the directory. `None` where there is none, or it is damaged.
fn parts(bytes: &[u8]) -> Option<Vec<Part<'_>>> {
    let earliest = bytes
        .len()
        .saturating_sub(END_BYTES + usize::from(u16::MAX));
    let tail = bytes.get(earliest..)?;
    let end = tail.windows(END.len()).rposition(|at| at == END)?;
    let end = tail.get(end..)?;
    let (count, start) = (u16_at(end, 10)?, u32_at(end, 16)?);
    let mut directory = bytes.get(usize::try_from(start).ok()?..)?;
    let mut parts = Vec::new();
    for _ in 0..count {
        let entry = directory.strip_prefix(ENTRY).map(|_| directory)?;
        let lengths = [28, 30, 32].map(|at| u16_at(entry, at).map(usize::from));
        let [name, extra, comment] = [lengths[0]?, lengths[1]?, lengths[2]?];
        let name_end = ENTRY_BYTES + name;
        let extra_end = name_end + extra;
        let large = large_sizes(entry.get(name_end..extra_end)?);
        let size = |at| match u32_at(entry, at)? {
            u32::MAX => Some(large.unwrap_or(u64::MAX)),
            size => Some(u64::from(size)),
        };
        parts.push(Part {
            name: entry.get(ENTRY_BYTES..name_end)?,
            encrypted: u16_at(entry, 8)? & 1 == 1,
            method: u16_at(entry, 10)?,
            packed: size(20)?,
            unpacked: size(24)?,
            start: u64::from(u32_at(entry, 42)?),
        });
        directory = entry.get(extra_end + comment..)?;
    }
    Some(parts)
}

/// The first of the sizes that stand beside an entry because they need more than 32 bits: that of the part unpacked.
fn large_sizes(mut extra: &[u8]) -> Option<u64> {
    loop {
        let (id, length) = (u16_at(extra, 0)?, usize::from(u16_at(extra, 2)?));
        let field = extra.get(4..4 + length)?;
        if id == 1 {
            return Some(u64::from_le_bytes(*field.first_chunk()?));
        }
        extra = &extra[4 + length..];
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
