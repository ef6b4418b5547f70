//! Browser forms under a signed policy (*Authenticating requests: POST*).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{TimeDelta, Utc};
use reqwest::Response;
use reqwest::multipart::{Form, Part};
use s3s::crypto::{Checksum as _, Sha256};

use crate::contract::{Contract, ORIGIN};

const BLOCK: usize = 64;

/// RFC 2104.
fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    assert!(key.len() <= BLOCK);
    let pad = |byte: u8| {
        let mut block = [byte; BLOCK];
        block.iter_mut().zip(key).for_each(|(pad, key)| *pad ^= key);
        block
    };
    let inner = Sha256::checksum(&[&pad(0x36), message].concat());
    Sha256::checksum(&[pad(0x5c).as_slice(), &inner].concat())
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Posts `body` to `uploads/k` under a policy that allows 2 to 10 bytes there.
async fn post(c: &Contract, key: &str, body: &str, valid_for: TimeDelta) -> Response {
    let now = Utc::now();
    let (date, time) = (
        now.format("%Y%m%d").to_string(),
        now.format("%Y%m%dT%H%M%SZ").to_string(),
    );
    let credential = format!(
        "{}/{date}/us-east-1/s3/aws4_request",
        c.config.access_key_id
    );
    let policy = serde_json::json!({
        "expiration": (now + valid_for).format("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
        "conditions": [
            {"bucket": c.staging()},
            ["starts-with", "$key", "uploads/"],
            ["content-length-range", 2, 10],
            {"content-type": "text/plain"},
            {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
            {"x-amz-credential": credential},
            {"x-amz-date": time},
        ],
    });
    let policy = BASE64_STANDARD.encode(policy.to_string());
    let secret = format!("AWS4{}", c.config.secret_access_key);
    let signing_key = [date.as_str(), "us-east-1", "s3", "aws4_request"]
        .iter()
        .fold(secret.into_bytes(), |key, step| {
            hmac_sha256(&key, step.as_bytes()).to_vec()
        });
    let form = Form::new()
        .text("key", key.to_owned())
        .text("content-type", "text/plain")
        .text("x-amz-algorithm", "AWS4-HMAC-SHA256")
        .text("x-amz-credential", credential)
        .text("x-amz-date", time)
        .text(
            "x-amz-signature",
            hex(&hmac_sha256(&signing_key, policy.as_bytes())),
        )
        .text("policy", policy)
        .part("file", Part::text(body.to_owned()).file_name("a.txt"));
    let url = format!("{}/{}", c.config.endpoint.as_ref().unwrap(), c.staging());
    c.http
        .post(url)
        .header("origin", ORIGIN)
        .multipart(form)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_form_within_its_policy_is_stored() {
    let c = Contract::new().await;
    let answer = post(&c, "uploads/k", "hello", TimeDelta::hours(1)).await;
    assert_eq!(answer.status(), 204, "{}", answer.text().await.unwrap());
    assert_eq!(c.bytes("uploads/k").await.unwrap(), b"hello");
    let head =
        c.s3.head_object()
            .bucket(c.staging())
            .key("uploads/k")
            .send()
            .await
            .unwrap();
    assert_eq!(head.content_type(), Some("text/plain"));
}

#[tokio::test]
async fn a_form_outside_its_policy_is_refused() {
    let c = Contract::new().await;
    let hour = TimeDelta::hours(1);
    // S3 calls the third AccessDenied with "Invalid according to Policy", the framework InvalidPolicyDocument.
    for (key, body, valid_for, reason) in [
        ("uploads/k", "h", hour, "EntityTooSmall"),
        ("uploads/k", "hello world", hour, "EntityTooLarge"),
        ("elsewhere/k", "hello", hour, "Policy"),
        ("uploads/k", "hello", TimeDelta::hours(-1), "AccessDenied"),
    ] {
        let answer = post(&c, key, body, valid_for).await;
        assert!(answer.status().is_client_error());
        let text = answer.text().await.unwrap();
        assert!(text.contains(reason), "{key} {body}: {text}");
        assert_eq!(c.bytes(key).await, None);
    }
}

#[tokio::test]
async fn a_form_that_is_large_or_does_not_say_how_large_is_refused_unread() {
    let c = Contract::new().await;
    let url = format!("{}/{}", c.config.endpoint.as_ref().unwrap(), c.staging());
    let pending = || {
        let bytes = futures::stream::pending::<Result<Vec<u8>, std::io::Error>>();
        reqwest::Body::wrap_stream(bytes)
    };
    let large = Part::stream_with_length(pending(), 200 << 20).file_name("a");
    let large = Form::new().part("file", large);
    let endless = Part::stream(pending()).file_name("a");
    for (form, status) in [(large, 400), (Form::new().part("file", endless), 411)] {
        let answer = c.http.post(&url).multipart(form).send();
        let answer = tokio::time::timeout(std::time::Duration::from_secs(10), answer).await;
        let answer = answer.expect("an answer within 10 s, unread").unwrap();
        assert_eq!(answer.status().as_u16(), status);
    }
}
