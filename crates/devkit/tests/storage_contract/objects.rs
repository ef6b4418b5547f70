//! Whole objects: written, looked at, read in part or whole, on conditions, deleted.

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use bytes::Bytes;
use storage::{Bucket, ByteRange, StorageError};

use crate::contract::{Contract, MIB, code, noise, object_key, read};

#[tokio::test]
async fn what_is_put_is_what_is_got() {
    let c = Contract::new().await;
    let key = object_key("text");
    let put = c.store.put_bytes(
        Bucket::Origin,
        &key,
        "hello".into(),
        "text/plain",
        Some("no-cache"),
    );
    let put = put.await.unwrap();
    assert_eq!(put.etag, "\"5d41402abc4b2a76b9719d911017c592\"");
    let head = c.store.head(Bucket::Origin, &key).await.unwrap().unwrap();
    assert_eq!(head, put);
    assert_eq!(head.content_type.as_deref(), Some("text/plain"));
    let object = c.store.get(Bucket::Origin, &key, None).await.unwrap();
    assert_eq!((object.info, object.range), (head, 0..5));
    assert_eq!(read(object.body).await, b"hello");
    assert_eq!(c.bytes("text").await, None, "the buckets are two");
}

#[tokio::test]
async fn files_go_in_and_come_out_whole() {
    let c = Contract::new().await;
    let folder = tempfile::tempdir().unwrap();
    for size in [0, 1, 3 * MIB + 7] {
        let path = folder.path().join(size.to_string());
        let bytes = noise(size, 3);
        std::fs::write(&path, &bytes).unwrap();
        let key = object_key(&format!("file-{size}"));
        let put = c
            .store
            .put_file(Bucket::Origin, &key, &path, "video/mp4", Some("immutable"));
        assert_eq!(put.await.unwrap().size_bytes, size as u64);
        assert!(c.bytes_of(Bucket::Origin, key.as_str()).await.unwrap() == bytes);
    }
    let missing = folder.path().join("missing");
    let put = c
        .store
        .put_file(
            Bucket::Origin,
            &object_key("k"),
            &missing,
            "video/mp4",
            None,
        )
        .await;
    assert!(matches!(put, Err(StorageError::LocalFile(_))), "{put:?}");
}

#[tokio::test]
async fn headers_and_metadata_are_kept() {
    let c = Contract::new().await;
    let put =
        c.s3.put_object()
            .bucket(c.staging())
            .key("k")
            .body(b"x".to_vec().into());
    let put = put
        .content_type("image/webp")
        .cache_control("public, max-age=31536000, immutable")
        .content_disposition("attachment; filename=\"a b.webp\"")
        .content_encoding("gzip")
        .content_language("de")
        .metadata("upload-id", "0199");
    put.send().await.unwrap();
    let get =
        c.s3.get_object()
            .bucket(c.staging())
            .key("k")
            .send()
            .await
            .unwrap();
    assert_eq!(get.content_type(), Some("image/webp"));
    assert_eq!(
        get.cache_control(),
        Some("public, max-age=31536000, immutable")
    );
    assert_eq!(
        get.content_disposition(),
        Some("attachment; filename=\"a b.webp\"")
    );
    assert_eq!(get.content_encoding(), Some("gzip"));
    assert_eq!(get.content_language(), Some("de"));
    assert_eq!(get.metadata().unwrap()["upload-id"], "0199");
    assert!(get.last_modified().is_some());
}

#[tokio::test]
async fn ranges_are_exact() {
    let c = Contract::new().await;
    let bytes = noise(2 * MIB, 5);
    let size = bytes.len() as u64;
    c.put("k", bytes.clone()).await;
    let key = object_key("k");
    for (asked, expected) in [
        (ByteRange::Inclusive(0, 0), 0..1),
        (ByteRange::Inclusive(524_287, 524_289), 524_287..524_290),
        (ByteRange::Inclusive(5, u64::from(u32::MAX)), 5..size),
        (ByteRange::From(size - 1), size - 1..size),
        (ByteRange::Last(10), size - 10..size),
        (ByteRange::Last(size * 2), 0..size),
    ] {
        let object = c
            .store
            .get(Bucket::Staging, &key, Some(asked))
            .await
            .unwrap();
        assert_eq!(object.range, expected, "{asked}");
        assert_eq!(object.info.size_bytes, size);
        let range =
            usize::try_from(expected.start).unwrap()..usize::try_from(expected.end).unwrap();
        assert!(read(object.body).await == bytes[range], "{asked}");
    }
    for asked in [
        ByteRange::From(size),
        ByteRange::Inclusive(size, size + 5),
        ByteRange::Last(0),
    ] {
        let answer = c.store.get(Bucket::Staging, &key, Some(asked)).await;
        assert!(
            matches!(answer, Err(StorageError::RangeNotSatisfiable)),
            "{asked}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn ranges_cross_the_seams_of_parts() {
    let c = Contract::new().await;
    let key = object_key("k");
    let id = c.store.create_multipart(&key).await.unwrap();
    let mut bytes = Vec::new();
    for (number, size) in [(1, 5 * MIB), (2, 5 * MIB + 3), (3, 10)] {
        let part = noise(size, number.into());
        bytes.extend_from_slice(&part);
        c.part(&key, &id, number, part).await;
    }
    let parts = c.store.list_parts(&key, &id).await.unwrap();
    c.store.complete_multipart(&key, &id, &parts).await.unwrap();
    let seam = 5 * MIB;
    let second = 10 * MIB + 3;
    for (first, last) in [
        (seam - 1, seam),
        (seam, seam),
        (second - 2, second + 9),
        (7, second),
    ] {
        let asked = ByteRange::Inclusive(first as u64, last as u64);
        let object = c
            .store
            .get(Bucket::Staging, &key, Some(asked))
            .await
            .unwrap();
        assert!(read(object.body).await == bytes[first..=last], "{asked}");
    }
}

#[tokio::test]
async fn a_range_says_which_one_it_is() {
    let c = Contract::new().await;
    c.put("k", b"0123456789".to_vec()).await;
    let url = c.signed_get("k").await;
    let part = c
        .http
        .get(&url)
        .header("range", "bytes=2-4")
        .send()
        .await
        .unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 2-4/10");
    assert_eq!(part.headers()["content-length"], "3");
    assert_eq!(part.headers()["accept-ranges"], "bytes");
    assert_eq!(part.text().await.unwrap(), "234");
    let outside = c
        .http
        .get(&url)
        .header("range", "bytes=10-")
        .send()
        .await
        .unwrap();
    assert_eq!(outside.status(), 416);
    if c.embedded.is_some() {
        assert_eq!(outside.headers()["content-range"], "bytes */10");
    }
}

#[tokio::test]
async fn reads_are_conditional() {
    let c = Contract::new().await;
    let etag = c.put("k", b"x").await;
    let url = c.signed_get("k").await;
    let get =
        async |name: &str, value: &str| c.http.get(&url).header(name, value).send().await.unwrap();
    let same = get("if-none-match", &etag).await;
    assert_eq!(same.status(), 304);
    assert_eq!(same.headers()["etag"], etag.as_str());
    assert_eq!(same.text().await.unwrap(), "");
    assert_eq!(get("if-none-match", "\"other\"").await.status(), 200);
    assert_eq!(get("if-match", &etag).await.status(), 200);
    assert_eq!(get("if-match", "\"other\"").await.status(), 412);
    assert_eq!(
        get("if-modified-since", "Sat, 01 Jan 2000 00:00:00 GMT")
            .await
            .status(),
        200
    );
    assert_eq!(
        get("if-unmodified-since", "Sat, 01 Jan 2000 00:00:00 GMT")
            .await
            .status(),
        412
    );
    let head = c.s3.head_object().bucket(c.staging()).key("k");
    let modified = head.clone().send().await.unwrap().last_modified.unwrap();
    assert!(head.clone().if_match("\"other\"").send().await.is_err());
    let date = modified.fmt(DateTimeFormat::HttpDate).unwrap();
    let since = get("if-modified-since", &date);
    assert_eq!(since.await.status(), 304, "a date has whole seconds");
    assert!(modified <= DateTime::from(std::time::SystemTime::now()));
}

#[tokio::test]
async fn writes_are_conditional() {
    let c = Contract::new().await;
    let put = |body: &'static [u8]| {
        c.s3.put_object()
            .bucket(c.staging())
            .key("k")
            .body(body.to_vec().into())
    };
    let missing = put(b"0").if_match("\"any\"").send().await;
    assert!(missing.is_err());
    let etag = put(b"1")
        .if_none_match("*")
        .send()
        .await
        .unwrap()
        .e_tag
        .unwrap();
    assert_eq!(
        code(put(b"2").if_none_match("*").send().await),
        "PreconditionFailed"
    );
    assert_eq!(
        code(put(b"3").if_match("\"other\"").send().await),
        "PreconditionFailed"
    );
    assert_eq!(c.bytes("k").await.unwrap(), b"1");
    put(b"4").if_match(etag).send().await.unwrap();
    assert_eq!(c.bytes("k").await.unwrap(), b"4");
}

#[tokio::test]
async fn only_one_of_many_if_none_match_writers_wins() {
    let c = Contract::new().await;
    let put = |body: u8| {
        let put =
            c.s3.put_object()
                .bucket(c.staging())
                .key("k")
                .if_none_match("*");
        put.body(vec![body; 100].into()).send()
    };
    let answers = futures::future::join_all((0..16).map(put)).await;
    let winners: Vec<usize> = (0..16).filter(|&writer| answers[writer].is_ok()).collect();
    assert_eq!(winners.len(), 1);
    let expected = vec![u8::try_from(winners[0]).unwrap(); 100];
    assert_eq!(c.bytes("k").await.unwrap(), expected);
}

#[tokio::test]
async fn missing_objects_are_missing() {
    let c = Contract::new().await;
    let key = object_key("nothing");
    assert_eq!(c.store.head(Bucket::Origin, &key).await.unwrap(), None);
    let get = c.store.get(Bucket::Origin, &key, None).await;
    assert!(matches!(get, Err(StorageError::NotFound)), "{get:?}");
    c.store.delete(Bucket::Origin, &key).await.unwrap();
    let put =
        c.s3.put_object()
            .bucket("no-such-bucket-here")
            .key("k")
            .body(b"x".to_vec().into());
    assert_eq!(code(put.send().await), "NoSuchBucket");
}

#[tokio::test]
async fn a_deleted_object_is_gone() {
    let c = Contract::new().await;
    let key = object_key("k");
    c.store
        .put_bytes(Bucket::Origin, &key, Bytes::new(), "text/plain", None)
        .await
        .unwrap();
    assert_eq!(c.bytes_of(Bucket::Origin, "k").await.unwrap(), b"");
    c.store.delete(Bucket::Origin, &key).await.unwrap();
    assert_eq!(c.bytes_of(Bucket::Origin, "k").await, None);
}

#[tokio::test]
async fn a_store_that_is_away_is_worth_another_try() {
    let c = Contract::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Some(format!("http://{}", taken.local_addr().unwrap()));
    drop(taken);
    let config = storage::StorageConfig {
        endpoint,
        ..c.config.clone()
    };
    let store = storage::ObjectStore::new(&config);
    let error = store
        .head(Bucket::Origin, &object_key("k"))
        .await
        .unwrap_err();
    assert!(error.is_transient(), "{error:?}");
}
