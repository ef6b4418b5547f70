//! Copies made by the store.

use std::collections::HashMap;

use aws_sdk_s3::types::MetadataDirective;
use storage::{Bucket, StorageError};

use crate::contract::{Contract, MIB, code, noise, object_key};

#[tokio::test]
async fn a_copy_has_the_bytes_and_the_new_headers() {
    let c = Contract::new().await;
    let put =
        c.s3.put_object()
            .bucket(c.staging())
            .key("a b/ü+?.jpg")
            .content_type("text/html");
    let put = put.metadata("owner", "42").body(b"hello".to_vec().into());
    let etag = put.send().await.unwrap().e_tag.unwrap();
    let (from, to) = (object_key("a b/ü+?.jpg"), object_key("originals/1"));
    let cache = Some("public, max-age=31536000, immutable");
    let copy = c.store.copy(
        (Bucket::Staging, &from),
        &etag,
        (Bucket::Origin, &to),
        "image/jpeg",
        cache,
    );
    let copy = copy.await.unwrap();
    assert_eq!(
        (copy.size_bytes, copy.content_type.as_deref()),
        (5, Some("image/jpeg"))
    );
    let head =
        c.s3.head_object()
            .bucket(c.origin())
            .key("originals/1")
            .send()
            .await
            .unwrap();
    assert_eq!(head.cache_control(), cache);
    assert!(
        head.metadata().is_none_or(HashMap::is_empty),
        "REPLACE drops the source's"
    );
    assert_eq!(
        c.bytes_of(Bucket::Origin, "originals/1").await.unwrap(),
        b"hello"
    );
    c.store.delete(Bucket::Staging, &from).await.unwrap();
    assert_eq!(
        c.bytes_of(Bucket::Origin, "originals/1").await.unwrap(),
        b"hello",
        "copies stand alone"
    );
}

#[tokio::test]
async fn a_source_that_changed_is_not_copied() {
    let c = Contract::new().await;
    let etag = c.put("k", b"scanned").await;
    c.put("k", b"swapped").await;
    let (from, to) = (object_key("k"), object_key("copy"));
    let copy = c.store.copy(
        (Bucket::Staging, &from),
        &etag,
        (Bucket::Origin, &to),
        "image/jpeg",
        None,
    );
    let copy = copy.await;
    assert!(
        matches!(copy, Err(StorageError::PreconditionFailed)),
        "{copy:?}"
    );
    assert_eq!(c.bytes_of(Bucket::Origin, "copy").await, None);
    let missing = object_key("missing");
    let copy = c.store.copy(
        (Bucket::Staging, &missing),
        &etag,
        (Bucket::Origin, &to),
        "image/jpeg",
        None,
    );
    let copy = copy.await;
    assert!(matches!(copy, Err(StorageError::NotFound)), "{copy:?}");
}

#[tokio::test]
async fn a_multipart_object_is_copied_whole() {
    let c = Contract::new().await;
    let key = object_key("k");
    let id = c.store.create_multipart(&key).await.unwrap();
    let mut bytes = Vec::new();
    for (number, size) in [(1, 5 * MIB), (2, 100)] {
        let part = noise(size, number.into());
        bytes.extend_from_slice(&part);
        c.part(&key, &id, number, part).await;
    }
    let parts = c.store.list_parts(&key, &id).await.unwrap();
    let info = c.store.complete_multipart(&key, &id, &parts).await.unwrap();
    let to = object_key("copy");
    let copy = c.store.copy(
        (Bucket::Staging, &key),
        &info.etag,
        (Bucket::Origin, &to),
        "video/mp4",
        None,
    );
    copy.await.unwrap();
    c.store.delete(Bucket::Staging, &key).await.unwrap();
    assert!(c.bytes_of(Bucket::Origin, "copy").await.unwrap() == bytes);
}

#[tokio::test]
async fn without_replace_the_headers_come_along() {
    let c = Contract::new().await;
    let put =
        c.s3.put_object()
            .bucket(c.staging())
            .key("k")
            .content_type("image/png");
    put.metadata("owner", "42")
        .body(b"x".to_vec().into())
        .send()
        .await
        .unwrap();
    let source = format!("{}/k", c.staging());
    let copy =
        c.s3.copy_object()
            .bucket(c.origin())
            .key("copy")
            .copy_source(&source);
    copy.content_type("text/plain").send().await.unwrap();
    let head =
        c.s3.head_object()
            .bucket(c.origin())
            .key("copy")
            .send()
            .await
            .unwrap();
    assert_eq!(head.content_type(), Some("image/png"));
    assert_eq!(head.metadata().unwrap()["owner"], "42");

    let itself =
        c.s3.copy_object()
            .bucket(c.staging())
            .key("k")
            .copy_source(&source);
    assert_eq!(code(itself.clone().send().await), "InvalidRequest");
    let replace = itself
        .metadata_directive(MetadataDirective::Replace)
        .content_type("image/gif");
    replace.send().await.unwrap();
    let head =
        c.s3.head_object()
            .bucket(c.staging())
            .key("k")
            .send()
            .await
            .unwrap();
    assert_eq!(head.content_type(), Some("image/gif"));
    assert_eq!(c.bytes("k").await.unwrap(), b"x");
}

#[tokio::test]
async fn parts_are_copied_whole_and_in_ranges() {
    let c = Contract::new().await;
    let bytes = noise(6 * MIB, 9);
    let etag = c.put("source", bytes.clone()).await;
    let key = object_key("k");
    let id = c.store.create_multipart(&key).await.unwrap();
    let source = format!("{}/source", c.staging());
    let copy = |number| {
        let copy =
            c.s3.upload_part_copy()
                .bucket(c.staging())
                .key("k")
                .upload_id(&id);
        copy.part_number(number).copy_source(&source)
    };
    copy(1).copy_source_if_match(&etag).send().await.unwrap();
    copy(2)
        .copy_source_range("bytes=10-1009")
        .send()
        .await
        .unwrap();
    assert_eq!(
        code(copy(3).copy_source_if_match("\"other\"").send().await),
        "PreconditionFailed"
    );
    let outside = copy(3)
        .copy_source_range(format!("bytes=0-{}", 6 * MIB))
        .send()
        .await;
    assert!(outside.is_err());
    let parts = c.store.list_parts(&key, &id).await.unwrap();
    assert_eq!(parts.len(), 2);
    c.store.complete_multipart(&key, &id, &parts).await.unwrap();
    let expected = [bytes.as_slice(), &bytes[10..1010]].concat();
    assert!(c.bytes("k").await.unwrap() == expected);
}
