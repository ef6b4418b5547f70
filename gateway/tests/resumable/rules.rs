//! Single rules of the IETF's *Resumable Uploads for HTTP*, each with the section that has it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha512};

use crate::CREATE;
use crate::client::Client;
use crate::service::{Service, bytes};

const PARTIAL: (&str, &str) = ("content-type", "application/partial-upload");
const MORE: (&str, &str) = ("upload-complete", "?0");
const LAST: (&str, &str) = ("upload-complete", "?1");

async fn head<'a>(client: &Client, path: &str, names: [&'a str; 3]) -> [(&'a str, String); 3] {
    let at = client.ask("HEAD", path, &[], b"").await.expect(204);
    names.map(|name| (name, at.find(name).unwrap_or_default().to_owned()))
}

const STATE: [&str; 3] = ["upload-offset", "upload-complete", "upload-length"];

fn state<'a>(offset: &str, complete: &str, length: &str) -> [(&'a str, String); 3] {
    [
        (STATE[0], offset.to_owned()),
        (STATE[1], complete.to_owned()),
        (STATE[2], length.to_owned()),
    ]
}

/// Upload Append: progress MUST NOT name a location. Length: offset and length do not make an upload complete, only the
/// client does.
#[tokio::test(flavor = "multi_thread")]
async fn all_bytes_make_no_complete_upload_until_the_client_says_so() {
    let service = Service::start().await;
    let one = &service.one;
    let body = bytes(7_000_000);
    let headers = [MORE, ("upload-length", "7000000")];
    let made = one.ask("POST", CREATE, &headers, b"").await.expect(201);
    let path = made.header("location");
    let headers = [PARTIAL, MORE, ("upload-offset", "0")];
    let all = one.ask("PATCH", path, &headers, &body).await.expect(204);
    assert!(!all.interim.is_empty());
    for interim in &all.interim {
        assert_eq!((interim.status, interim.find("location")), (104, None));
        interim.header("upload-offset");
    }
    assert_eq!(
        head(one, path, STATE).await,
        state("7000000", "?0", "7000000")
    );
    assert!(!service.has_run(&all).await);
    let headers = [PARTIAL, LAST, ("upload-offset", "7000000")];
    let done = service
        .two
        .ask("PATCH", path, &headers, b"")
        .await
        .expect(200);
    assert_eq!(done.header("upload-complete"), "?1");
    assert!(service.has_run(&done).await);
    assert_eq!(
        head(one, path, STATE).await,
        state("7000000", "?1", "7000000")
    );
}

/// Upload Creation: the length MUST be recorded, and an upload MUST NOT be complete that was interrupted. Every answer to
/// a request names the same location.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_interrupted_is_not_complete_and_its_length_is_known() {
    let service = Service::start().await;
    let headers = [LAST, ("content-length", "5")];
    let mut exchange = service.one.begin("POST", CREATE, &headers).await;
    let path = exchange.head().await.header("location").to_owned();
    exchange.send(b"hel").await;
    service.kept(&path, 3).await;
    drop(exchange);
    assert_eq!(
        head(&service.two, &path, STATE).await,
        state("3", "?0", "5")
    );
    let headers = [PARTIAL, LAST, ("upload-offset", "3")];
    let longer = service
        .two
        .ask("PATCH", &path, &headers, b"l")
        .await
        .expect(400);
    assert_eq!(longer.json()["code"], "upload_length_inconsistent");
    service
        .two
        .ask("PATCH", &path, &headers, b"lo")
        .await
        .expect(200);
    assert_eq!(service.joined(&path).await, b"hello");

    let headers = [LAST, ("content-digest", &*sha512(b"other"))];
    let damaged = service
        .one
        .ask("POST", CREATE, &headers, b"hello")
        .await
        .expect(400);
    assert_eq!(damaged.json()["code"], "checksum_mismatch");
    let told = damaged.interim[0].header("location");
    assert_eq!(damaged.header("location"), told);
}

/// Content Codings: offsets and lengths count coded bytes, which are kept as they are. Transfer codings do not count.
#[tokio::test(flavor = "multi_thread")]
async fn coded_bytes_are_kept_and_those_of_transfers_are_not() {
    let service = Service::start().await;
    let headers = [
        LAST,
        ("content-encoding", "gzip"),
        ("transfer-encoding", "chunked"),
        ("upload-length", "5"),
    ];
    let mut exchange = service.one.begin("POST", CREATE, &headers).await;
    exchange.send(b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n").await;
    let done = exchange.answer().await.expect(200);
    let path = done.header("location");
    assert_eq!(head(&service.one, path, STATE).await, state("5", "?1", "5"));
    assert_eq!(service.joined(path).await, b"hello");
}

/// Representation Digests: that of the whole is compared when the file is scanned.
#[tokio::test(flavor = "multi_thread")]
async fn the_longer_digest_of_the_whole_is_noted() {
    let service = Service::start().await;
    let digest = sha512(b"hello");
    let both = format!(
        "sha-256=:{}:, {digest}",
        STANDARD.encode(media::Sha256::of(b"hello").as_bytes())
    );
    for (digest, noted) in [(&*digest, true), (&*both, true), ("sha-384=:AAAA:", false)] {
        let headers = [LAST, ("repr-digest", digest)];
        let done = service
            .one
            .ask("POST", CREATE, &headers, b"hello")
            .await
            .expect(200);
        let id = done.json()["upload_id"].as_str().unwrap().parse().unwrap();
        let mut connection = service.pool.acquire().await.unwrap();
        let found =
            media::uploads::resumable::declared_sha512(&mut connection, media::UploadId(id));
        let found = found.await.unwrap();
        assert_eq!(
            found,
            noted.then(|| Sha512::digest(b"hello").to_vec()),
            "{digest}"
        );
    }
    let headers = [LAST, ("repr-digest", "sha-512=:AAAA:")];
    let short = service
        .one
        .ask("POST", CREATE, &headers, b"hello")
        .await
        .expect(400);
    assert_eq!(short.json()["errors"][0]["parameter"], "repr-digest");
}

fn sha512(bytes: &[u8]) -> String {
    format!("sha-512=:{}:", STANDARD.encode(Sha512::digest(bytes)))
}
