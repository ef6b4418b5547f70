//! Documents of office programs: LibreOffice makes a PDF of each, and that is shown as any other.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::{
    films::{body, upload, urls},
    fixtures::decode_webp,
    process::Process,
    stack::Stack,
};

/// Small documents, each with a red field and black letters on its first page.
fn documents(stack: &Stack) -> PathBuf {
    let folder = stack.folder.path().join("documents");
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/crates/codecs/tests/it/office.py"
    );
    let mut python = std::process::Command::new("python3");
    let python = python.arg(script).arg(&folder).arg("http://127.0.0.1:9");
    assert!(python.status().unwrap().success());
    folder
}

/// LibreOffice writes the document in a format of before 2007.
async fn as_before(folder: &Path, name: &str, extension: &str) {
    let profile = folder.join("profile");
    let written = Command::new("soffice")
        .arg(format!(
            "-env:UserInstallation=file://{}",
            profile.display()
        ))
        .args(["--headless", "--convert-to", extension, "--outdir"])
        .args([folder, &folder.join(name)])
        .output();
    let written = written.await.unwrap();
    let said = String::from_utf8_lossy(&written.stdout);
    assert!(said.contains("convert"), "{said}");
}

#[tokio::test]
async fn each_kind_of_office_document_shows_its_first_page() {
    let stack = Stack::served_by_the_edge().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let folder = documents(&stack);
    for (name, extension) in [
        ("letter.odt", "doc"),
        ("prices.ods", "xls"),
        ("show.odp", "ppt"),
    ] {
        as_before(&folder, name, extension).await;
    }
    let open_xml = "application/vnd.openxmlformats-officedocument";
    let open_document = "application/vnd.oasis.opendocument";
    for (name, mime) in [
        (
            "letter.docx",
            format!("{open_xml}.wordprocessingml.document"),
        ),
        ("prices.xlsx", format!("{open_xml}.spreadsheetml.sheet")),
        (
            "show.pptx",
            format!("{open_xml}.presentationml.presentation"),
        ),
        ("letter.odt", format!("{open_document}.text")),
        ("prices.ods", format!("{open_document}.spreadsheet")),
        ("show.odp", format!("{open_document}.presentation")),
        ("letter.doc", "application/msword".to_owned()),
        ("prices.xls", "application/vnd.ms-excel".to_owned()),
        ("show.ppt", "application/vnd.ms-powerpoint".to_owned()),
        ("letter.rtf", "application/rtf".to_owned()),
    ] {
        let file = upload(&stack, &api, &folder.join(name)).await;
        assert_eq!(file["content_type"], mime, "{name}");
        assert_eq!(file["document"]["pages"], 1, "{name}");
        assert_eq!(urls(&file, "page").len(), 3, "{name}");
        assert_eq!(file["warnings"], serde_json::json!([]), "{name}");
        let webp = body(file["cdn_url"].as_str().unwrap(), "image/webp").await;
        let (_, _, pixels) = decode_webp(&webp);
        let count = |colour: [u8; 3]| {
            let pixels = pixels.chunks_exact(3);
            let near = |pixel: &&[u8]| (0..3).all(|at| pixel[at].abs_diff(colour[at]) < 60);
            pixels.filter(near).count()
        };
        assert!(count([255, 0, 0]) > 1000, "the field of {name}");
        assert!(count([0, 0, 0]) > 100, "the letters of {name}");
    }
}

/// Why a document is refused: the code and the step.
async fn refusal(stack: &Stack, api: &Process, path: &Path) -> (String, String, String) {
    let (well, printed) = stack.upload(api, path).await;
    assert!(!well, "{}: {printed}", path.display());
    let rejection = &printed["file"]["rejection"];
    let word = |name: &str| rejection[name].as_str().unwrap_or_default().to_owned();
    (word("code"), word("step"), word("message"))
}

#[tokio::test]
async fn office_documents_that_cannot_be_shown_are_refused_by_what_is_wrong() {
    let stack = Stack::new().await;
    let settings = [("MEDIAMILL_DOCUMENT_PAGES", "2")];
    let (api, _worker) = (stack.api().await, stack.worker_with(&settings).await);
    let folder = documents(&stack);
    for (name, expected, at) in [
        ("encrypted.odt", "encrypted", "probe"),
        ("cut.docx", "malformed", "probe"),
        ("broken.docx", "malformed", "render_office"),
        ("archive.zip", "unsupported_type", "probe"),
    ] {
        let (code, step, message) = refusal(&stack, &api, &folder.join(name)).await;
        assert_eq!((&*code, &*step), (expected, at), "{name}: {message}");
    }
    // One of several pages is made into a PDF once, and two of its pages are shown.
    let pages = br"{\rtf1 one\page two\page three}";
    let pages = upload(&stack, &api, &stack.file("pages.rtf", pages)).await;
    assert_eq!(pages["document"]["pages"], 3);
    assert_eq!(urls(&pages, "page").len(), 4, "{pages}");
    // By the name of a picture it is refused, and by that of another document it is not.
    let letter = std::fs::read(folder.join("letter.docx")).unwrap();
    let picture = stack.file("letter.png", &letter);
    assert_eq!(refusal(&stack, &api, &picture).await.0, "type_mismatch");
    let renamed = upload(&stack, &api, &stack.file("letter.pdf", &letter)).await;
    assert_eq!(
        renamed["warnings"],
        serde_json::json!(["content_type_differs"])
    );
}

#[tokio::test]
async fn without_libreoffice_they_are_refused_by_a_code_that_says_so() {
    let stack = Stack::new().await;
    let api = stack.api().await;
    let folder = documents(&stack);
    let worker = stack.worker_with(&[("MEDIAMILL_LIBREOFFICE", "off")]).await;
    for name in ["letter.docx", "prices.ods", "letter.rtf"] {
        let (code, step, message) = refusal(&stack, &api, &folder.join(name)).await;
        assert_eq!((&*code, &*step), ("office_document", "probe"), "{name}");
        assert!(message.contains("LibreOffice"), "{message}");
    }
    drop(worker);
    // Where it is to be and is not, nothing begins.
    let mut command = stack.command(&["worker"]).await;
    let output = command.env("MEDIAMILL_LIBREOFFICE", &folder).output().await;
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains("MEDIAMILL_LIBREOFFICE"),
        "{said}"
    );
}
