//! Documents of office programs, opened by LibreOffice in the sandbox.

use std::io::{Cursor, ErrorKind, Write as _};
use std::net::TcpListener;
use std::path::Path;

use codecs::document::office::examine;
use codecs::{LibreOffice, OfficeError};
use media::formats::DocumentFormat::{
    self, Doc, Docx, Odp, Ods, Odt, Pdf, Ppt, Pptx, Rtf, Xls, Xlsx,
};
use media::{Rejection, RejectionCode};
use sandbox::{Launcher, ToolError};
use tempfile::TempDir;

use crate::documents::drawn;
use crate::peers::program;

/// A folder with the documents of `office.py`, which lead to `outside`.
fn documents(outside: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/office.py");
    let mut python = program("python3");
    let written = python.arg(script).arg(folder.path()).arg(outside).status();
    assert!(written.unwrap().success());
    folder
}

/// LibreOffice of this machine, started as the service does it.
fn libreoffice() -> LibreOffice {
    let helper = env!("CARGO_BIN_EXE_codecs-test-helper").into();
    let found = LibreOffice::find().expect("scripts/setup --test installs it");
    found.with_launcher(Launcher::new(helper, vec!["tool".into()]))
}

async fn convert(
    office: &LibreOffice,
    document: &Path,
    format: DocumentFormat,
) -> Result<Vec<u8>, OfficeError> {
    let folder = TempDir::new().unwrap();
    let limits = LibreOffice::limits();
    let pdf = office.convert(document, format, folder.path(), &limits);
    Ok(std::fs::read(pdf.await?).unwrap())
}

/// How many of a thousand pixels of the first page are nearly of this colour.
fn share(pdf: &[u8], colour: [u8; 3]) -> usize {
    let (_, pixels) = drawn(pdf, Pdf).unwrap();
    let near = |pixel: &&[u8]| {
        let differences = pixel.iter().zip(colour);
        differences
            .into_iter()
            .all(|(is, to_be)| is.abs_diff(to_be) < 60)
    };
    pixels.chunks_exact(3).filter(near).count() * 3000 / pixels.len()
}

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];

fn code(examined: Result<DocumentFormat, Rejection>) -> RejectionCode {
    examined.unwrap_err().code
}

#[test]
fn each_document_is_known_by_what_is_in_it() {
    let folder = documents("http://127.0.0.1:9");
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    for (name, format) in [
        ("letter.docx", Docx),
        ("prices.xlsx", Xlsx),
        ("show.pptx", Pptx),
        ("letter.odt", Odt),
        ("prices.ods", Ods),
        ("show.odp", Odp),
        ("letter.rtf", Rtf),
        ("typed.docx", Docx),
    ] {
        assert_eq!(examine(&read(name)), Ok(format), "{name}");
    }
    for (name, expected) in [
        ("archive.zip", RejectionCode::UnsupportedType),
        ("drawing.odg", RejectionCode::UnsupportedType),
        ("encrypted.odt", RejectionCode::Encrypted),
        ("cut.docx", RejectionCode::Malformed),
        ("laughs.docx", RejectionCode::Malformed),
        ("laughs-utf16.docx", RejectionCode::Malformed),
    ] {
        assert_eq!(code(examine(&read(name))), expected, "{name}");
    }
    // What a part says that it comes to, unpacked.
    let mut bomb = read("letter.docx");
    let entry = bomb.windows(4).rposition(|at| at == b"PK\x01\x02").unwrap();
    bomb[entry + 24..entry + 28].copy_from_slice(&0x7000_0000_u32.to_le_bytes());
    assert_eq!(code(examine(&bomb)), RejectionCode::TooExpensive);
}

/// A compound file with these streams.
fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (name, content) in streams {
        let mut stream = file.create_stream(name).unwrap();
        stream.write_all(content).unwrap();
    }
    file.into_inner().into_inner()
}

#[test]
fn old_documents_are_told_apart_and_passwords_are_seen() {
    let word = |flags: u8| [0xec, 0xa5, 0xc1, 0, 0, 0, 0, 0, 0, 0, 0, flags];
    let book = [9, 8, 4, 0, 0, 6, 5, 0, 0x2f, 0, 2, 0, 0, 0];
    let user = |token: [u8; 4]| [&[0; 12][..], &token].concat();
    let (open, closed) = ([0x5f, 0xc0, 0x91, 0xe3], [0xdf, 0xc4, 0xd1, 0xf3]);
    let show = ("/PowerPoint Document", &b"slides"[..]);
    for (streams, format) in [
        (vec![("/WordDocument", &word(0)[..])], Doc),
        (vec![("/Workbook", &book[..8])], Xls),
        (vec![("/Book", &book[..8])], Xls),
        (vec![show, ("/Current User", &user(open))], Ppt),
    ] {
        assert_eq!(examine(&compound(&streams)), Ok(format), "{format:?}");
    }
    for (streams, expected) in [
        (
            vec![("/WordDocument", &word(1)[..])],
            RejectionCode::Encrypted,
        ),
        (vec![("/Workbook", &book[..])], RejectionCode::Encrypted),
        (
            vec![show, ("/Current User", &user(closed))],
            RejectionCode::Encrypted,
        ),
        (vec![("/EncryptedPackage", b"?")], RejectionCode::Encrypted),
        (
            vec![("/__properties_version1.0", b"a mail")],
            RejectionCode::UnsupportedType,
        ),
    ] {
        assert_eq!(code(examine(&compound(&streams))), expected, "{streams:?}");
    }
    let whole = compound(&[("/WordDocument", &word(0))]);
    assert_eq!(code(examine(&whole[..600])), RejectionCode::Malformed);
}

#[tokio::test]
async fn nothing_of_a_document_runs_and_nothing_outside_of_it_is_fetched() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let folder = documents(&format!("http://{}", server.local_addr().unwrap()));
    let office = libreoffice();
    for (name, format) in [
        ("network.docx", Docx),
        ("network.odt", Odt),
        ("network.xlsx", Xlsx),
        ("file.docx", Docx),
        ("file.odt", Odt),
        ("macro.odt", Odt),
    ] {
        let pdf = convert(&office, &folder.path().join(name), format).await;
        let pdf = pdf.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert!(share(&pdf, RED) > 0, "{name} is shown but for that");
        assert_eq!(share(&pdf, GREEN), 0, "{name} shows a file of this machine");
    }
    let asked = server.accept().unwrap_err();
    assert_eq!(asked.kind(), ErrorKind::WouldBlock);
    assert!(!folder.path().join("macro-ran").exists());
}

#[tokio::test]
async fn whose_fault_it_is_that_nothing_was_made_is_told() {
    let folder = documents("http://127.0.0.1:9");
    for name in ["broken.docx", "laughs.docx"] {
        let failed = convert(&libreoffice(), &folder.path().join(name), Docx).await;
        let error = failed.unwrap_err();
        let is_the_files = matches!(error, OfficeError::Tool(ToolError::Failed { .. }));
        assert!(is_the_files, "{name}: {error:?}");
    }
    // A LibreOffice that gives up before it has opened anything.
    let broken = folder.path().join("program");
    std::fs::create_dir(&broken).unwrap();
    std::fs::copy("/bin/false", broken.join("soffice.bin")).unwrap();
    let helper = env!("CARGO_BIN_EXE_codecs-test-helper").into();
    let broken = LibreOffice::at(&broken).unwrap();
    let broken = broken.with_launcher(Launcher::new(helper, vec!["tool".into()]));
    let failed = convert(&broken, &folder.path().join("letter.docx"), Docx).await;
    let error = failed.unwrap_err();
    assert!(matches!(error, OfficeError::DoesNotWork(_)), "{error:?}");
    assert!(LibreOffice::at(folder.path()).is_err());
}
