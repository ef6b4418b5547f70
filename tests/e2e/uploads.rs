//! Uploads that go well.

use media::{Sha256, keys};
use serde_json::Value;
use storage::{Bucket, ObjectKey};

use crate::{
    fixtures::{decode_webp, large_photo, phone_photo, webp_chunks},
    process::Process,
    stack::Stack,
};

/// The variant's bytes as the edge serves them, after a look at the headers.
async fn served(api: &Process, variant: &Value) -> Vec<u8> {
    let url = variant["url"].as_str().unwrap();
    let path = url
        .strip_prefix("http://cdn.invalid")
        .expect("the configured base");
    let response = reqwest::get(format!("{}{path}", api.ready)).await.unwrap();
    assert_eq!(response.status(), 200, "{url}");
    let header = |name| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(header("content-type"), "image/webp");
    response.bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn a_phone_photo_becomes_ready_with_all_its_variants() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let photo = phone_photo(1600, 1200);
    let (well, printed) = stack.upload(&api, &stack.file("photo.jpg", &photo)).await;
    assert!(well, "{printed}\n{}", stack.logs());
    let file = &printed["file"];
    assert_eq!(file["status"], "READY");
    assert_eq!(file["content_type"], "image/jpeg");
    assert_eq!(file["sha256"], Sha256::of(&photo).to_hex());

    let variants = file["variants"].as_array().unwrap();
    let widths: Vec<_> = variants
        .iter()
        .map(|v| v["width"].as_u64().unwrap())
        .collect();
    // Upright it is 1200 wide, so there is nothing to make of 1280.
    assert_eq!(widths, [1200, 640, 320, 128]);
    for variant in variants {
        let bytes = served(&api, variant).await;
        for chunk in webp_chunks(&bytes) {
            assert!(
                ["VP8 ", "VP8X", "VP8L", "ALPH"].contains(&chunk.as_str()),
                "kept {chunk}"
            );
        }
        let (width, height, pixels) = decode_webp(&bytes);
        assert_eq!(variant["width"], width);
        assert_eq!(variant["height"], height);
        assert_eq!(
            height,
            (width * 1600 + 600) / 1200,
            "the photo stands upright"
        );
        let corner = |x: u32, y: u32| &pixels[(y * width + x) as usize * 3..][..3];
        let close = |found: &[u8], expected: [u8; 3]| {
            let near = found.iter().zip(expected).all(|(f, e)| f.abs_diff(e) < 40);
            assert!(
                near,
                "{found:?} is not {expected:?} in the variant of width {width}"
            );
        };
        // Turned clockwise: what was stored at the top left is seen at the top right.
        close(corner(width - 5, 4), [255, 0, 0]);
        close(corner(width - 5, height - 5), [0, 255, 0]);
        close(corner(4, 4), [0, 0, 255]);
    }
    nothing_of_the_client_is_left(&stack, file).await;
    the_original_is_kept_and_private(&stack, &api, &photo).await;
}

async fn nothing_of_the_client_is_left(stack: &Stack, file: &Value) {
    // It goes when READY is on record.
    stack
        .until("SELECT discarded_at IS NOT NULL FROM media_files")
        .await;
    let upload_id: uuid::Uuid = file["upload_id"].as_str().unwrap().parse().unwrap();
    for key in [
        keys::staging(media::UploadId(upload_id)),
        keys::frozen(media::UploadId(upload_id)),
    ] {
        assert_eq!(
            stack.store.head(Bucket::Staging, &key).await.unwrap(),
            None,
            "{key}"
        );
    }
}

async fn the_original_is_kept_and_private(stack: &Stack, api: &Process, photo: &[u8]) {
    let key: ObjectKey = keys::original(&Sha256::of(photo));
    let original = stack
        .store
        .head(Bucket::Origin, &key)
        .await
        .unwrap()
        .expect("it is kept");
    assert_eq!(original.size_bytes, photo.len() as u64);
    let edge = reqwest::get(format!("{}/cdn/{key}", api.ready))
        .await
        .unwrap();
    assert_eq!(edge.status(), 404, "originals are never served");
    let direct = stack.s3_url(&format!("origin/{key}"));
    assert_eq!(
        reqwest::get(direct).await.unwrap().status(),
        403,
        "no anonymous reads"
    );
}

#[tokio::test]
async fn a_large_photo_goes_up_in_parts() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let photo = large_photo(3000, 2600);
    assert!(
        photo.len() > 17 << 20,
        "three parts, not {} bytes",
        photo.len()
    );
    let (well, printed) = stack.upload(&api, &stack.file("large.jpg", &photo)).await;
    assert!(well, "{printed}\n{}", stack.logs());
    assert_eq!(printed["file"]["sha256"], Sha256::of(&photo).to_hex());
    assert_eq!(printed["file"]["variants"].as_array().unwrap().len(), 5);
    let parts: i64 = sqlx::query_scalar("SELECT count(*) FROM upload_parts")
        .fetch_one(&stack.pool)
        .await
        .unwrap();
    assert_eq!(parts, 3);
}

#[tokio::test]
async fn another_owner_sees_nothing_of_it() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let photo = phone_photo(300, 200);
    let (_, printed) = stack.upload(&api, &stack.file("mine.jpg", &photo)).await;
    let url = format!(
        "{}/v1/files/{}",
        api.ready,
        printed["file_id"].as_str().unwrap()
    );
    let stranger = stack.make_key("stranger").await;
    let ask = |key: &str| reqwest::Client::new().get(&url).bearer_auth(key).send();
    assert_eq!(ask(&stack.key).await.unwrap().status(), 200);
    assert_eq!(ask(&stranger).await.unwrap().status(), 404);
}
