//! A signed URL allows what was signed: a header that would make the request do something else, and
//! is not signed, is refused.

use storage::{Bucket, PresignedRequest};

use crate::contract::{Contract, HOUR, MIB, noise, object_key};

/// Sends the signed request with headers that were not signed: the answer's status and body.
async fn send_with(
    c: &Contract,
    signed: &PresignedRequest,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> (u16, String) {
    let request = c.http.put(&signed.url).body(body);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Refused in S3's words: such a refusal is no accident of another check.
fn assert_refused((status, body): &(u16, String), what: &str) {
    assert_eq!(*status, 403, "{what}: {body}");
    assert!(body.contains("<Code>AccessDenied</Code>"), "{what}: {body}");
}

#[tokio::test]
async fn a_signed_put_is_no_right_to_copy() {
    let c = Contract::new().await;
    let victim = object_key("originals/private");
    let secret = c
        .store
        .put_bytes(Bucket::Origin, &victim, "secret".into(), "a/b", None);
    secret.await.unwrap();
    c.put("unscanned", b"of somebody else").await;
    for source in [
        format!("/{}/originals/private", c.origin()),
        format!("{}/unscanned", c.staging()),
    ] {
        let mine = object_key("mine");
        let signed = c.store.presign_put(&mine, 5, HOUR).await.unwrap();
        let copy = [("x-amz-copy-source", source.as_str())];
        assert_refused(
            &send_with(&c, &signed, &copy, b"xxxxx".to_vec()).await,
            &source,
        );
        assert_eq!(c.bytes("mine").await, None, "{source}");
    }
}

#[tokio::test]
async fn a_signed_part_is_no_right_to_copy() {
    let c = Contract::new().await;
    c.put("victim", noise(1000, 7)).await;
    let key = object_key("mine");
    let id = c.store.create_multipart(&key).await.unwrap();
    let source = format!("/{}/victim", c.staging());
    let whole = [("x-amz-copy-source", source.as_str())];
    let range = [whole[0], ("x-amz-copy-source-range", "bytes=0-99")];
    for headers in [&whole[..], &range] {
        let signed = c.store.presign_part(&key, &id, 1, 100, HOUR).await.unwrap();
        let answer = send_with(&c, &signed, headers, noise(100, 1)).await;
        assert_refused(&answer, &format!("{headers:?}"));
    }
    assert_eq!(c.store.list_parts(&key, &id).await.unwrap(), []);
}

#[tokio::test]
async fn no_other_header_gets_through_unsigned() {
    let c = Contract::new().await;
    let key = object_key("plain");
    for (name, value) in [
        ("x-amz-acl", "public-read"),
        ("x-amz-tagging", "a=b"),
        (
            "x-amz-website-redirect-location",
            "http://elsewhere.example/",
        ),
        ("x-amz-storage-class", "GLACIER"),
        ("x-amz-meta-owner", "42"),
        ("x-amz-something-new", "1"),
    ] {
        let signed = c.store.presign_put(&key, 3, HOUR).await.unwrap();
        let answer = send_with(&c, &signed, &[(name, value)], b"abc".to_vec()).await;
        assert_refused(&answer, name);
    }
    assert_eq!(c.bytes("plain").await, None);
}

#[tokio::test]
async fn a_refused_body_is_read_so_that_the_client_gets_the_answer() {
    let c = Contract::new().await;
    let size = 8 * MIB;
    let signed = c
        .store
        .presign_put(&object_key("k"), size as u64, HOUR)
        .await
        .unwrap();
    let answer = send_with(&c, &signed, &[("x-amz-acl", "private")], noise(size, 3)).await;
    assert_refused(&answer, "a body of 8 MiB");
}

#[tokio::test]
async fn headers_that_are_signed_are_obeyed() {
    let c = Contract::new().await;
    let put = c.s3.put_object().bucket(c.staging()).key("k");
    let put = put.metadata("owner", "42").body(b"x".to_vec().into());
    put.send().await.unwrap();
    let head =
        c.s3.head_object()
            .bucket(c.staging())
            .key("k")
            .send()
            .await
            .unwrap();
    assert_eq!(head.metadata().unwrap()["owner"], "42");
}

#[tokio::test]
async fn the_store_can_be_asked_to_prove_it() {
    let c = Contract::new().await;
    c.store.prove_refuses_unsigned_headers().await.unwrap();
    let left =
        c.s3.list_objects_v2()
            .bucket(c.staging())
            .send()
            .await
            .unwrap();
    assert_eq!(left.key_count(), Some(0), "the proof leaves nothing behind");
}
