//! Files that are not taken.

use crate::{
    fixtures::{phone_photo, zip},
    stack::Stack,
};

async fn refused(name: &str, bytes: &[u8]) -> (Stack, serde_json::Value) {
    let stack = Stack::new().await;
    // What is refused is kept for a while, unless it is malware or the operator wants no more of it.
    let kept = (
        "MEDIAMILL_KEEP_REFUSED_SECONDS",
        if name == "eicar.jpg" { "600" } else { "0" },
    );
    let (api, _worker) = (stack.api().await, stack.worker_with(&[kept]).await);
    let (well, printed) = stack.upload(&api, &stack.file(name, bytes)).await;
    assert!(!well, "the exit code says that it is not READY");
    assert_eq!(
        printed["file"]["status"],
        "REJECTED",
        "{printed}\n{}",
        stack.logs()
    );
    // The refusal and the order to delete the bytes are one transaction; the deletion follows.
    stack.until("SELECT EXISTS (SELECT FROM workflows.runs WHERE workflow = 'discard' AND state = 'succeeded')").await;
    let upload_id: uuid::Uuid = printed["file"]["upload_id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let upload_id = media::UploadId(upload_id);
    for key in [
        media::keys::staging(upload_id),
        media::keys::frozen(upload_id),
    ] {
        let left = stack
            .store
            .head(storage::Bucket::Staging, &key)
            .await
            .unwrap();
        assert_eq!(left, None, "the refused bytes are gone from {key}");
    }
    (stack, printed["file"]["rejection"].clone())
}

#[tokio::test]
async fn malware_is_refused_and_deleted() {
    let (_stack, rejection) = refused("eicar.jpg", &scanner::eicar()).await;
    assert_eq!(rejection["code"], "infected");
    assert_eq!(rejection["step"], "scan");
    assert!(rejection["measured"].as_str().unwrap().contains("Eicar"));
}

#[tokio::test]
async fn an_archive_named_as_a_photo_is_refused() {
    let (_stack, rejection) = refused("holiday.jpg", &zip()).await;
    assert_eq!(rejection["code"], "unsupported_type");
    assert_eq!(rejection["measured"], "application/zip");
}

#[tokio::test]
async fn a_photo_that_ends_too_early_is_refused() {
    let photo = phone_photo(800, 600);
    let (_stack, rejection) = refused("cut.jpg", &photo[..photo.len() / 2]).await;
    assert_eq!(rejection["code"], "malformed");
}

#[tokio::test]
async fn a_document_is_refused_by_name() {
    let (_stack, rejection) = refused("paper.ps", b"%!PS-Adobe-3.0\nshowpage\n").await;
    assert_eq!(rejection["code"], "unsupported_type");
    assert_eq!(rejection["measured"], "application/postscript");
}

/// A sound structure around pixel data that is none: nothing is found out before the pixels are looked at.
const NO_PIXELS: [u8; 86] =
    *b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x00\x20\x00\x00\x00\x10\
    \x08\x03\x00\x00\x00\x40\xde\x8d\x6b\x00\x00\x00\x03PLTE\xc8\x1e\x1e\x16\x88\xf8\x9e\
    \x00\x00\x00\x0eIDAT\x78\xda\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x05\xed\xe3\x17\
    \x00\x00\x00\x00IEND\xae\x42\x60\x82";

#[tokio::test]
async fn a_file_that_is_refused_by_its_pixels_leaves_nothing() {
    let (stack, rejection) = refused("odd.png", &NO_PIXELS).await;
    assert_eq!(rejection["code"], "malformed");
    assert_eq!(rejection["step"], "render");
    // It was promoted before anybody looked at its pixels.
    let original = media::keys::original(&media::Sha256::of(&NO_PIXELS));
    let left = stack
        .store
        .head(storage::Bucket::Origin, &original)
        .await
        .unwrap();
    assert_eq!(left, None, "{}", stack.logs());
    let letters: i64 = sqlx::query_scalar("SELECT count(*) FROM workflows.dead_letters")
        .fetch_one(&stack.pool)
        .await
        .unwrap();
    assert_eq!(letters, 0, "nobody has to look at it");
}

/// Bytes of one kind by the name of another.
#[tokio::test]
async fn a_photo_by_the_name_of_a_film_is_refused() {
    let (_stack, rejection) = refused("holiday.mp4", &phone_photo(80, 60)).await;
    assert_eq!(rejection["code"], "type_mismatch");
    assert_eq!(rejection["limit"], "video/mp4");
    assert_eq!(rejection["measured"], "image/jpeg");
}

/// People save pictures by any name.
#[tokio::test]
async fn a_photo_by_the_name_of_another_format_is_taken_and_noted_unless_that_is_forbidden() {
    let stack = Stack::new().await;
    let photo = stack.file("holiday.png", &phone_photo(80, 60));
    let api = stack.api().await;
    let worker = stack.worker_with(&[]).await;
    let (well, printed) = stack.upload(&api, &photo).await;
    assert!(well, "{printed}\n{}", stack.logs());
    assert_eq!(printed["file"]["content_type"], "image/jpeg");
    let noted = serde_json::json!(["content_type_differs"]);
    assert_eq!(printed["file"]["warnings"], noted);
    drop(worker);

    let strict = [("MEDIAMILL_STRICT_CONTENT_TYPE", "true")];
    let _worker = stack.worker_with(&strict).await;
    let (well, printed) = stack.upload(&api, &photo).await;
    assert!(!well, "{printed}");
    assert_eq!(printed["file"]["rejection"]["code"], "type_mismatch");
}
