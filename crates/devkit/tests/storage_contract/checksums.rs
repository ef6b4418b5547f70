//! Checksums that the client sends are checked; what does not match is not stored.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart};

use crate::contract::{Contract, MIB, code, noise};

/// Of `hello`, in base64.
const MD5: &str = "XUFAKrxLKna5cZ2REBfFkg==";
const CRC32: &str = "NhCmhg==";
const CRC32C: &str = "mnG7TA==";
const SHA1: &str = "qvTGHdzF6KLavt4PO0gs2a6pQ00=";
const SHA256: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";

#[tokio::test]
async fn content_md5_is_checked() {
    let c = Contract::new().await;
    let put = || {
        c.s3.put_object()
            .bucket(c.staging())
            .key("k")
            .content_md5(MD5)
    };
    assert_eq!(
        code(put().body(b"hellO".to_vec().into()).send().await),
        "BadDigest"
    );
    assert_eq!(c.bytes("k").await, None);
    put().body(b"hello".to_vec().into()).send().await.unwrap();
    let nonsense =
        c.s3.put_object()
            .bucket(c.staging())
            .key("k")
            .content_md5("nonsense");
    assert_eq!(
        code(nonsense.body(b"x".to_vec().into()).send().await),
        "InvalidDigest"
    );
    assert_eq!(c.bytes("k").await.unwrap(), b"hello");
}

#[tokio::test]
async fn each_checksum_is_checked_and_given_back() {
    let c = Contract::new().await;
    for algorithm in ["crc32", "crc32c", "sha1", "sha256"] {
        let put = |key: &str, body: &'static [u8]| {
            let put =
                c.s3.put_object()
                    .bucket(c.staging())
                    .key(key)
                    .body(body.to_vec().into());
            match algorithm {
                "crc32" => put.checksum_crc32(CRC32),
                "crc32c" => put.checksum_crc32_c(CRC32C),
                "sha1" => put.checksum_sha1(SHA1),
                _ => put.checksum_sha256(SHA256),
            }
        };
        let wrong = format!("wrong-{algorithm}");
        assert_eq!(
            code(put(&wrong, b"hellO").send().await),
            "BadDigest",
            "{algorithm}"
        );
        assert_eq!(c.bytes(&wrong).await, None, "{algorithm}");
        put(algorithm, b"hello").send().await.unwrap();
        let head = c.s3.head_object().bucket(c.staging()).key(algorithm);
        let head = head
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await
            .unwrap();
        let (stored, expected) = match algorithm {
            "crc32" => (head.checksum_crc32(), CRC32),
            "crc32c" => (head.checksum_crc32_c(), CRC32C),
            "sha1" => (head.checksum_sha1(), SHA1),
            _ => (head.checksum_sha256(), SHA256),
        };
        assert_eq!(stored, Some(expected));
    }
}

/// As the SDKs do it by default: the body in `aws-chunked`, the checksum behind it.
#[tokio::test]
async fn checksums_behind_a_streamed_body_are_checked() {
    let c = Contract::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let bytes = noise(3 * MIB + 1, 4);
    std::fs::write(&path, &bytes).unwrap();
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha256,
    ] {
        let body = ByteStream::from_path(&path).await.unwrap();
        let put =
            c.s3.put_object()
                .bucket(c.staging())
                .key(algorithm.as_str())
                .body(body);
        put.checksum_algorithm(algorithm.clone())
            .send()
            .await
            .unwrap();
        assert!(c.bytes(algorithm.as_str()).await.unwrap() == bytes);
        // The SDK compares what it reads with the checksum that comes along.
        let get =
            c.s3.get_object()
                .bucket(c.staging())
                .key(algorithm.as_str());
        let get = get
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await
            .unwrap();
        let stored = [
            get.checksum_crc32(),
            get.checksum_crc32_c(),
            get.checksum_crc64_nvme(),
            get.checksum_sha256(),
        ];
        assert_eq!(stored.iter().flatten().count(), 1, "{algorithm:?}");
        assert!(get.body.collect().await.unwrap().to_vec() == bytes);
    }
}

#[tokio::test]
async fn checksums_of_parts_are_checked_and_joined() {
    let c = Contract::new().await;
    let create = c.s3.create_multipart_upload().bucket(c.staging()).key("k");
    let create = create
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .send()
        .await
        .unwrap();
    let id = create.upload_id.unwrap();
    let part = |body: &'static [u8]| {
        let part =
            c.s3.upload_part()
                .bucket(c.staging())
                .key("k")
                .upload_id(&id)
                .part_number(1);
        part.checksum_sha256(SHA256).body(body.to_vec().into())
    };
    assert_eq!(code(part(b"hellO").send().await), "BadDigest");
    let etag = part(b"hello").send().await.unwrap().e_tag.unwrap();
    let complete = |sha256: &str| {
        let part = CompletedPart::builder()
            .part_number(1)
            .e_tag(&etag)
            .checksum_sha256(sha256);
        let parts = CompletedMultipartUpload::builder()
            .parts(part.build())
            .build();
        let complete =
            c.s3.complete_multipart_upload()
                .bucket(c.staging())
                .key("k");
        complete.upload_id(&id).multipart_upload(parts).send()
    };
    assert_eq!(
        code(complete("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").await),
        "InvalidPart"
    );
    complete(SHA256).await.unwrap();
    let head = c.s3.head_object().bucket(c.staging()).key("k");
    let head = head
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await
        .unwrap();
    // SHA-256 of the 32 bytes of SHA256 above.
    assert_eq!(
        head.checksum_sha256(),
        Some("lZXJ35AHUUjrBoYDZd8zWEt1v/eCpRDGzUiDpBmDPVA=-1")
    );
}

/// Signed into the URL, so that the client can send these bytes and no others.
#[tokio::test]
async fn a_signed_checksum_binds_the_bytes() {
    let c = Contract::new().await;
    let put =
        c.s3.put_object()
            .bucket(c.staging())
            .key("k")
            .checksum_sha256(SHA256);
    let hour = aws_sdk_s3::presigning::PresigningConfig::expires_in(crate::contract::HOUR).unwrap();
    let signed = put.presigned(hour).await.unwrap();
    let send = async |body: &'static str| {
        let mut request = c.http.put(signed.uri()).body(body);
        for (name, value) in signed.headers() {
            request = request.header(name, value);
        }
        request.send().await.unwrap().status()
    };
    assert_eq!(send("hellO").await, 400);
    assert_eq!(c.bytes("k").await, None);
    assert_eq!(send("hello").await, 200);
}
