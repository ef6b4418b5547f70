//! What needs a store that misbehaves. The rest is in the storage contract of `devkit`.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A store that gives every request the same answer.
async fn store_that_says(status: &'static str, body: &'static str) -> ObjectStore {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 65536];
            let _ = stream.read(&mut request).await;
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    ObjectStore::new(&config(endpoint))
}

fn config(endpoint: String) -> StorageConfig {
    StorageConfig {
        endpoint: Some(endpoint),
        public_endpoint: None,
        region: "us-east-1".to_owned(),
        access_key_id: "key".to_owned(),
        secret_access_key: "secret".to_owned(),
        path_style: true,
        staging_bucket: "staging".to_owned(),
        origin_bucket: "origin".to_owned(),
    }
}

fn key(key: &str) -> ObjectKey {
    key.parse().unwrap()
}

#[tokio::test]
async fn an_error_inside_a_200_is_an_error() {
    let body =
        "<?xml version=\"1.0\"?><Error><Code>InternalError</Code><Message>sorry</Message></Error>";
    let store = store_that_says("200 OK", body).await;
    let parts = [Part {
        number: 1,
        etag: "\"e\"".to_owned(),
        size_bytes: 1,
    }];
    let error = store
        .complete_multipart(&key("k"), "id", &parts)
        .await
        .unwrap_err();
    assert!(error.is_transient(), "{error:?}");

    let body = "<Error><Code>NoSuchUpload</Code></Error>";
    let store = store_that_says("200 OK", body).await;
    let error = store
        .complete_multipart(&key("k"), "id", &parts)
        .await
        .unwrap_err();
    assert!(matches!(error, StorageError::NoSuchUpload), "{error:?}");
}

#[tokio::test]
async fn overload_is_worth_another_try_and_refusal_is_not() {
    for (status, transient) in [
        ("500 Internal Server Error", true),
        ("503 Slow Down", true),
        ("429 Too Many Requests", true),
        ("403 Forbidden", false),
        ("400 Bad Request", false),
    ] {
        let store = store_that_says(status, "").await;
        let error = store.head(Bucket::Origin, &key("k")).await.unwrap_err();
        assert_eq!(error.is_transient(), transient, "{status}: {error:?}");
    }
}

#[tokio::test]
async fn a_missing_bucket_says_nothing_about_its_objects() {
    let store = store_that_says("404 Not Found", "").await;
    let looked = store.head(Bucket::Staging, &key("k")).await.unwrap_err();
    let deleted = store.delete(Bucket::Staging, &key("k")).await.unwrap_err();
    for error in [looked, deleted] {
        assert!(error.is_outage(), "{error:?}");
        assert!(error.to_string().contains("NoSuchBucket"), "{error}");
    }
}

#[tokio::test]
async fn a_body_cut_short_is_an_error() {
    use futures::TryStreamExt as _;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut store = store_that_says("500 Internal Server Error", "").await;
    store.client = {
        let config = store
            .client
            .config()
            .to_builder()
            .endpoint_url(format!("http://{address}"));
        Client::from_conf(config.build())
    };
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\netag: \"e\"\r\n\r\nonly this";
        stream.write_all(answer).await.unwrap();
    });
    let object = store.get(Bucket::Origin, &key("k"), None).await.unwrap();
    assert_eq!(object.info.size_bytes, 100);
    let body: Result<Vec<bytes::Bytes>, StorageError> = object.body.try_collect().await;
    assert!(body.unwrap_err().is_transient());
}

#[tokio::test]
async fn signing_has_limits() {
    let store = store_that_says("200 OK", "").await;
    let week = Duration::from_hours(7 * 24);
    assert!(store.presign_put(&key("k"), 1, week).await.is_ok());
    let too_long = store
        .presign_put(&key("k"), 1, week + Duration::from_secs(1))
        .await;
    assert!(
        matches!(too_long, Err(StorageError::Protocol { .. })),
        "{too_long:?}"
    );
}

/// A store that takes every upload and then says that the object has so many bytes.
async fn store_that_keeps(size_bytes: usize) -> ObjectStore {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 65536];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let length = if request[..read].starts_with(b"HEAD") {
                size_bytes
            } else {
                0
            };
            let answer = format!(
                "HTTP/1.1 200 OK\r\netag: \"e\"\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    ObjectStore::new(&config(endpoint))
}

#[tokio::test]
async fn a_store_that_obeys_unsigned_headers_is_found_out() {
    let copied = store_that_keeps("what must not be copied".len()).await;
    let proof = copied.prove_refuses_unsigned_headers().await;
    assert!(
        matches!(proof, Err(StorageError::ObeysUnsignedHeaders)),
        "{proof:?}"
    );
    let ignored = store_that_keeps("what was sent".len()).await;
    ignored.prove_refuses_unsigned_headers().await.unwrap();
}

#[tokio::test]
async fn a_store_that_takes_no_upload_proves_nothing() {
    let refuses = store_that_says("403 Forbidden", "").await;
    let proof = refuses.prove_refuses_unsigned_headers().await;
    assert!(
        matches!(proof, Err(StorageError::Protocol { .. })),
        "{proof:?}"
    );
    let overloaded = store_that_says("503 Slow Down", "").await;
    let proof = overloaded.prove_refuses_unsigned_headers().await;
    assert!(proof.unwrap_err().is_transient());
}

#[tokio::test]
async fn parts_are_signed_for_the_same_address_each_for_its_own_length() {
    let store = ObjectStore::new(&config("http://127.0.0.1:1".to_owned()));
    let parts: Vec<(u16, u64)> = (1..=3).map(|n| (n, u64::from(n) * 100)).collect();
    let hour = Duration::from_hours(1);
    let signed = store
        .presign_parts(&key("uploads/a"), "id/+", &parts, hour)
        .await;
    let signed = signed.unwrap();
    let alone = store
        .presign_part(&key("uploads/a"), "id/+", 1, 100, hour)
        .await
        .unwrap();
    assert_eq!(signed.len(), 3);
    let mut signatures = std::collections::BTreeSet::new();
    for (request, number) in signed.iter().zip(1..) {
        let (address, query) = request.url.split_once('?').unwrap();
        assert_eq!(address, alone.url.split('?').next().unwrap());
        assert!(
            query.starts_with(&format!("partNumber={number}&uploadId=id%2F%2B&")),
            "{query}"
        );
        assert!(
            query.contains("X-Amz-SignedHeaders=content-length%3Bhost"),
            "{query}"
        );
        assert_eq!(
            (&request.method, &request.headers),
            (&alone.method, &alone.headers)
        );
        signatures.insert(query.rsplit('=').next().unwrap().to_owned());
    }
    assert_eq!(signatures.len(), 3);
    assert!(
        store
            .presign_parts(&key("a"), "id", &[], hour)
            .await
            .unwrap()
            .is_empty()
    );
}
