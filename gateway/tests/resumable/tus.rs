//! tus 1.0 and its extensions.

use crate::CREATE;
use crate::client::{Answer, Client};
use crate::service::{Service, bytes};

const TUS: (&str, &str) = ("tus-resumable", "1.0.0");
const BYTES: (&str, &str) = ("content-type", "application/offset+octet-stream");

async fn open(client: &Client, length: &str) -> String {
    let headers = [TUS, ("upload-length", length)];
    let answer = client.ask("POST", CREATE, &headers, b"").await.expect(201);
    answer.header("location").to_owned()
}

async fn append(client: &Client, path: &str, offset: &str, body: &[u8]) -> Answer {
    let headers = [TUS, BYTES, ("upload-offset", offset)];
    client.ask("PATCH", path, &headers, body).await
}

async fn offset(client: &Client, path: &str) -> Answer {
    client.ask("HEAD", path, &[TUS], b"").await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_sent_in_pieces_to_any_process() {
    let service = Service::start().await;
    let body = bytes(21_000_000);
    // filename "€.png", filetype "image/png", and one of the client's own.
    let metadata = "filename 4oKsLnBuZw==,filetype aW1hZ2UvcG5n,mine";
    let headers = [
        TUS,
        ("upload-length", "21000000"),
        ("upload-metadata", metadata),
    ];
    let opened = service
        .one
        .ask("POST", CREATE, &headers, b"")
        .await
        .expect(201);
    assert_eq!(opened.header("tus-resumable"), "1.0.0");
    assert!(opened.header("upload-expires").ends_with(" GMT"));
    let path = opened.header("location");
    let at = offset(&service.two, path).await;
    assert_eq!(
        (at.header("upload-offset"), at.header("upload-length")),
        ("0", "21000000")
    );
    assert_eq!(at.header("upload-metadata"), metadata);
    assert_eq!(at.header("cache-control"), "no-store");
    // Pieces that end anywhere: within a part, over parts, and with one byte.
    let mut sent = 0;
    for (n, end) in [
        1, 5, 3_000_000, 3_000_001, 12_345_678, 12_582_912, 20_999_999, 21_000_000,
    ]
    .into_iter()
    .enumerate()
    {
        let client = if n % 2 == 0 {
            &service.one
        } else {
            &service.two
        };
        let answer = append(client, path, &sent.to_string(), &body[sent..end])
            .await
            .expect(204);
        assert_eq!(answer.header("upload-offset"), end.to_string());
        assert_eq!(answer.header("tus-resumable"), "1.0.0");
        assert_eq!(service.has_run(&answer).await, end == body.len());
        sent = end;
    }
    assert_eq!(
        offset(&service.one, path).await.header("upload-offset"),
        "21000000"
    );
    assert_eq!(service.joined(path).await, body);
    let file = format!("/v1/files/{}", opened.header("x-file-id"));
    let file = service
        .one
        .ask("GET", &file, &[], b"")
        .await
        .expect(200)
        .json();
    assert_eq!(file["filename"], "€.png");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_name_the_extensions() {
    let service = Service::start().await;
    let answer = service
        .one
        .ask("OPTIONS", CREATE, &[], b"")
        .await
        .expect(204);
    assert_eq!(answer.header("tus-version"), "1.0.0");
    assert_eq!(answer.header("tus-max-size"), "104857600");
    assert_eq!(
        answer.header("tus-checksum-algorithm"),
        "sha1,sha256,sha512"
    );
    let extensions = answer.header("tus-extension");
    for extension in [
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "expiration",
        "checksum",
        "termination",
    ] {
        assert!(
            extensions.split(',').any(|e| e == extension),
            "{extensions}"
        );
    }
    let old = [("tus-resumable", "0.2.2"), ("upload-length", "5")];
    let answer = service.one.ask("POST", CREATE, &old, b"").await.expect(412);
    assert_eq!(answer.header("tus-version"), "1.0.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_allowed_sites_may_use_it() {
    let service = Service::start().await;
    let origin = ("origin", "https://app.example.com");
    let headers = [
        origin,
        ("access-control-request-method", "PATCH"),
        (
            "access-control-request-headers",
            "tus-resumable,upload-offset,upload-metadata",
        ),
    ];
    let answer = service
        .one
        .ask("OPTIONS", CREATE, &headers, b"")
        .await
        .expect(204);
    assert_eq!(answer.header("access-control-allow-origin"), origin.1);
    assert!(
        answer
            .header("access-control-allow-methods")
            .contains("PATCH")
    );
    let allowed = answer.header("access-control-allow-headers");
    for name in [
        "tus-resumable",
        "upload-length",
        "upload-metadata",
        "upload-offset",
        "upload-complete",
    ] {
        assert!(allowed.contains(name), "{allowed}");
    }
    let headers = [origin, TUS, ("upload-length", "5")];
    let answer = service
        .one
        .ask("POST", CREATE, &headers, b"")
        .await
        .expect(201);
    let exposed = answer.header("access-control-expose-headers");
    for name in [
        "Location",
        "Tus-Resumable",
        "Upload-Offset",
        "Upload-Length",
        "X-File-Id",
    ] {
        assert!(exposed.contains(name), "{exposed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_may_come_with_the_creation() {
    let service = Service::start().await;
    let headers = [TUS, BYTES, ("upload-length", "11")];
    let part = service
        .one
        .ask("POST", CREATE, &headers, b"hello ")
        .await
        .expect(201);
    assert_eq!(part.header("upload-offset"), "6");
    let path = part.header("location");
    append(&service.two, path, "6", b"world").await.expect(204);
    assert_eq!(service.joined(path).await, b"hello world");
    let headers = [TUS, BYTES, ("upload-length", "5")];
    let whole = service
        .one
        .ask("POST", CREATE, &headers, b"hello")
        .await
        .expect(201);
    assert_eq!(whole.header("upload-offset"), "5");
    assert!(service.has_run(&whole).await);
    // A body that is of something else.
    let headers = [TUS, ("upload-length", "5")];
    service
        .one
        .ask("POST", CREATE, &headers, b"hello")
        .await
        .expect(415);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_length_may_be_deferred() {
    let service = Service::start().await;
    let headers = [TUS, ("upload-defer-length", "1")];
    let opened = service
        .one
        .ask("POST", CREATE, &headers, b"")
        .await
        .expect(201);
    let path = opened.header("location");
    append(&service.one, path, "0", b"hello ").await.expect(204);
    let at = offset(&service.one, path).await;
    assert_eq!(
        (at.header("upload-offset"), at.header("upload-defer-length")),
        ("6", "1")
    );
    assert_eq!(at.find("upload-length"), None);
    let headers = [TUS, BYTES, ("upload-offset", "6"), ("upload-length", "11")];
    let last = service
        .two
        .ask("PATCH", path, &headers, b"world")
        .await
        .expect(204);
    assert!(service.has_run(&last).await);
    assert_eq!(service.joined(path).await, b"hello world");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused() {
    let service = Service::start().await;
    for (headers, status) in [
        (vec![TUS], 400),
        (vec![TUS, ("upload-length", "x")], 400),
        (vec![TUS, ("upload-length", "-1")], 400),
        (
            vec![TUS, ("upload-length", "5"), ("upload-defer-length", "1")],
            400,
        ),
        (vec![TUS, ("upload-defer-length", "2")], 400),
        (vec![TUS, ("upload-length", "0")], 422),
        (vec![TUS, ("upload-length", "104857601")], 413),
        (vec![TUS, ("upload-length", "999999999999999")], 413),
        (
            vec![
                TUS,
                ("upload-length", "5"),
                ("upload-metadata", "filename !"),
            ],
            400,
        ),
    ] {
        let answer = service.one.ask("POST", CREATE, &headers, b"").await;
        assert_eq!(answer.status(), status, "{headers:?} {answer:?}");
        assert_eq!(answer.header("tus-resumable"), "1.0.0");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    let path = open(&service.one, "5").await;
    let answer = append(&service.one, &path, "1", b"x").await.expect(409);
    assert_eq!(answer.header("upload-offset"), "0");
    service
        .one
        .ask("PATCH", &path, &[TUS, ("upload-offset", "0")], b"x")
        .await
        .expect(415);
    let put = service.one.ask("PUT", &path, &[TUS], b"").await.expect(405);
    assert!(put.header("allow").contains("PATCH"));
}

#[tokio::test(flavor = "multi_thread")]
async fn checksums_are_held() {
    let service = Service::start().await;
    let path = open(&service.one, "11").await;
    for (checksum, status) in [
        ("sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=", 460),
        ("md5 AAAA", 400),
        ("sha1", 400),
    ] {
        let headers = [
            TUS,
            BYTES,
            ("upload-offset", "0"),
            ("upload-checksum", checksum),
        ];
        let answer = service.one.ask("PATCH", &path, &headers, b"hello ").await;
        assert_eq!(answer.status(), status, "{checksum} {answer:?}");
        assert_eq!(
            offset(&service.one, &path).await.header("upload-offset"),
            "0"
        );
    }
    let sha1 = sha1(b"hello ");
    let headers = [
        TUS,
        BYTES,
        ("upload-offset", "0"),
        ("upload-checksum", &*sha1),
    ];
    service
        .one
        .ask("PATCH", &path, &headers, b"hello ")
        .await
        .expect(204);
    append(&service.one, &path, "6", b"world").await.expect(204);
    assert_eq!(service.joined(&path).await, b"hello world");
}

fn sha1(bytes: &[u8]) -> String {
    use base64::Engine as _;
    use sha1::Digest as _;
    let digest = sha1::Sha1::digest(bytes);
    format!(
        "sha1 {}",
        base64::engine::general_purpose::STANDARD.encode(digest)
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_terminated_also_by_those_who_can_only_post() {
    let service = Service::start().await;
    let path = open(&service.one, "5").await;
    let meant = [
        TUS,
        BYTES,
        ("upload-offset", "0"),
        ("x-http-method-override", "PATCH"),
    ];
    service
        .one
        .ask("POST", &path, &meant, b"hel")
        .await
        .expect(204);
    let delete = [TUS, ("x-http-method-override", "DELETE")];
    service
        .one
        .ask("POST", &path, &delete, b"")
        .await
        .expect(204);
    service
        .one
        .ask("HEAD", &path, &[TUS], b"")
        .await
        .expect(410);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_upload_may_be_begun_in_one_protocol_and_ended_in_the_other() {
    let service = Service::start().await;
    let path = open(&service.one, "11").await;
    append(&service.one, &path, "0", b"hello ")
        .await
        .expect(204);
    let headers = [
        ("content-type", "application/partial-upload"),
        ("upload-offset", "6"),
        ("upload-complete", "?1"),
        ("upload-draft-interop-version", "8"),
    ];
    service
        .two
        .ask("PATCH", &path, &headers, b"world")
        .await
        .expect(200);
    assert_eq!(
        offset(&service.one, &path).await.header("upload-offset"),
        "11"
    );
    assert_eq!(service.joined(&path).await, b"hello world");
}
