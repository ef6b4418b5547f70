//! Who may do what: everything is signed, and a signature allows exactly what it says.

use std::time::Duration;

use storage::{Bucket, ObjectStore, StorageConfig, StorageError};

use crate::contract::{Contract, HOUR, MIB, noise, object_key};

#[tokio::test]
async fn a_signed_put_stores_exactly_the_bytes() {
    let c = Contract::new().await;
    let (key, bytes) = (object_key("uploads/a.jpg"), noise(100_000, 1));
    let signed = c.store.presign_put(&key, 100_000, HOUR).await.unwrap();
    assert_eq!(signed.method, "PUT");
    assert!(
        signed.url.contains("content-length"),
        "the length is among the signed headers"
    );
    assert!(
        !signed.url.to_lowercase().contains("checksum"),
        "no checksum of an empty body"
    );
    assert!(signed.headers.is_empty(), "{:?}", signed.headers);
    assert_eq!(c.send(&signed, bytes.clone()).await.status(), 200);
    assert_eq!(c.bytes("uploads/a.jpg").await.unwrap(), bytes);
}

#[tokio::test]
async fn a_body_of_another_length_than_signed_is_refused_and_nothing_stored() {
    let c = Contract::new().await;
    let key = object_key("sized");
    for length in [0, 999, 1001, 3 * MIB] {
        let signed = c.store.presign_put(&key, 1000, HOUR).await.unwrap();
        assert_eq!(
            c.send(&signed, noise(length, 1)).await.status(),
            403,
            "{length} bytes"
        );
    }
    assert_eq!(c.bytes("sized").await, None);
}

#[tokio::test]
async fn a_part_of_another_length_than_signed_is_refused() {
    let c = Contract::new().await;
    let key = object_key("sized-part");
    let id = c.store.create_multipart(&key).await.unwrap();
    for length in [999, 1001] {
        let signed = c
            .store
            .presign_part(&key, &id, 1, 1000, HOUR)
            .await
            .unwrap();
        assert_eq!(
            c.send(&signed, noise(length, 1)).await.status(),
            403,
            "{length} bytes"
        );
    }
    assert_eq!(c.store.list_parts(&key, &id).await.unwrap(), []);
}

#[tokio::test]
async fn a_body_without_a_length_does_not_pass_for_the_signed_one() {
    let c = Contract::new().await;
    let signed = c
        .store
        .presign_put(&object_key("chunked"), 6, HOUR)
        .await
        .unwrap();
    let body =
        reqwest::Body::wrap_stream(futures::stream::iter([Ok::<_, std::io::Error>("abcdef")]));
    let answer = c.http.put(&signed.url).body(body).send().await.unwrap();
    assert!(answer.status().is_client_error(), "{}", answer.status());
    assert_eq!(c.bytes("chunked").await, None);
}

#[tokio::test]
async fn a_signature_is_good_for_its_key_and_part_alone() {
    let c = Contract::new().await;
    let key = object_key("mine");
    let signed = c.store.presign_put(&key, 3, HOUR).await.unwrap();
    let elsewhere = signed.url.replace("/mine?", "/yours?");
    assert_eq!(
        c.http
            .put(elsewhere)
            .body("abc")
            .send()
            .await
            .unwrap()
            .status(),
        403
    );

    let id = c.store.create_multipart(&key).await.unwrap();
    let signed = c.store.presign_part(&key, &id, 1, 3, HOUR).await.unwrap();
    let other_part = signed.url.replace("partNumber=1&", "partNumber=2&");
    assert_ne!(other_part, signed.url);
    assert_eq!(
        c.http
            .put(other_part)
            .body("abc")
            .send()
            .await
            .unwrap()
            .status(),
        403
    );
}

#[tokio::test]
async fn an_expired_url_is_refused() {
    let c = Contract::new().await;
    let signed = c
        .store
        .presign_put(&object_key("late"), 3, HOUR)
        .await
        .unwrap();
    // An hour's signature, dated two hours back, would be signed otherwise: so sign for one second and wait it out.
    let short = c
        .store
        .presign_put(&object_key("late"), 3, Duration::from_secs(1))
        .await
        .unwrap();
    assert!(short.expires_at < signed.expires_at);
    let until = (short.expires_at - chrono::Utc::now())
        .to_std()
        .unwrap_or_default();
    tokio::time::sleep(until + Duration::from_millis(1100)).await;
    let answer = c.send(&short, b"abc".to_vec()).await;
    assert!(answer.status().is_client_error(), "{}", answer.status());
    assert!(answer.text().await.unwrap().contains("expired"));
    assert_eq!(c.send(&signed, b"abc".to_vec()).await.status(), 200);
}

#[tokio::test]
async fn nobody_reads_or_writes_without_a_signature() {
    let c = Contract::new().await;
    c.put("secret", b"x").await;
    let endpoint = c.config.endpoint.clone().unwrap();
    let object = format!("{endpoint}/{}/secret", c.staging());
    let bucket = format!("{endpoint}/{}", c.staging());
    assert_eq!(c.http.get(&object).send().await.unwrap().status(), 403);
    assert_eq!(c.http.head(&object).send().await.unwrap().status(), 403);
    assert_eq!(c.http.get(&bucket).send().await.unwrap().status(), 403);
    assert_eq!(
        c.http.put(&object).body("y").send().await.unwrap().status(),
        403
    );
    assert_eq!(c.http.delete(&object).send().await.unwrap().status(), 403);
    assert_eq!(c.bytes("secret").await.unwrap(), b"x");
}

#[tokio::test]
async fn a_wrong_secret_is_refused_for_good() {
    let c = Contract::new().await;
    let config = StorageConfig {
        secret_access_key: "wrong".to_owned(),
        ..c.config.clone()
    };
    let stranger = ObjectStore::new(&config);
    let key = object_key("x");
    let put = stranger.put_bytes(Bucket::Origin, &key, "x".into(), "text/plain", None);
    let error = put.await.unwrap_err();
    assert!(
        matches!(&error, StorageError::Refused { code, .. } if code == "SignatureDoesNotMatch"),
        "{error:?}"
    );
    assert!(!error.is_transient());
}

#[tokio::test]
async fn response_headers_in_a_signed_get_are_honoured() {
    let c = Contract::new().await;
    c.put("report", b"x").await;
    let get = c.s3.get_object().bucket(c.staging()).key("report");
    let get = get.response_content_disposition("attachment; filename=\"r.txt\"");
    let hour = aws_sdk_s3::presigning::PresigningConfig::expires_in(HOUR).unwrap();
    let url = get.presigned(hour).await.unwrap();
    let answer = c.http.get(url.uri()).send().await.unwrap();
    assert_eq!(
        answer.headers()["content-disposition"],
        "attachment; filename=\"r.txt\""
    );
}

#[tokio::test]
async fn urls_are_signed_for_the_public_endpoint() {
    let c = Contract::new().await;
    let public_endpoint = Some("https://files.example:8443".to_owned());
    let store = ObjectStore::new(&StorageConfig {
        public_endpoint,
        ..c.config.clone()
    });
    let key = object_key("k");
    let id = store.create_multipart(&key).await.unwrap();
    let put = store.presign_put(&key, 1, HOUR).await.unwrap();
    let part = store.presign_part(&key, &id, 1, 1, HOUR).await.unwrap();
    for url in [put.url, part.url] {
        assert!(url.starts_with("https://files.example:8443/"), "{url}");
    }
}

#[tokio::test]
async fn secrets_are_not_printed() {
    let c = Contract::new().await;
    let signed = c
        .store
        .presign_put(&object_key("k"), 1, HOUR)
        .await
        .unwrap();
    let signature = signed
        .url
        .split("X-Amz-Signature=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    assert!(!format!("{signed:?}").contains(signature));
    assert!(!format!("{:?}", c.config).contains("test-secret"));
    assert!(!format!("{:?}", c.store).contains("test-secret"));
}
