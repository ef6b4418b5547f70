//! Files that are not taken.

use crate::{
    fixtures::{phone_photo, zip},
    stack::Stack,
};

async fn refused(name: &str, bytes: &[u8]) -> (Stack, serde_json::Value) {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
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
            .head(media::storage::Bucket::Staging, &key)
            .await
            .unwrap();
        assert_eq!(left, None, "the refused bytes are gone from {key}");
    }
    (stack, printed["file"]["rejection"].clone())
}

#[tokio::test]
async fn malware_is_refused_and_deleted() {
    let (_stack, rejection) = refused("eicar.jpg", &workers::tools::clamd::eicar()).await;
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
    let (_stack, rejection) = refused("paper.pdf", b"%PDF-1.4\n%%EOF\n").await;
    assert_eq!(rejection["code"], "unsupported_type");
    assert_eq!(rejection["measured"], "application/pdf");
}
