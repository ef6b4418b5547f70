//! The IETF's *Resumable Uploads for HTTP*, section by section.

use serde_json::Value;

use crate::CREATE;
use crate::client::{Answer, Client};
use crate::service::{Service, bytes};

const PARTIAL: (&str, &str) = ("content-type", "application/partial-upload");
const MORE: (&str, &str) = ("upload-complete", "?0");
const LAST: (&str, &str) = ("upload-complete", "?1");

/// Opens an upload without bytes, and gives its path.
async fn open(client: &Client, length: Option<&str>) -> String {
    let mut headers = vec![MORE];
    headers.extend(length.map(|length| ("upload-length", length)));
    let answer = client.ask("POST", CREATE, &headers, b"").await.expect(201);
    answer.header("location").to_owned()
}

async fn append(
    client: &Client,
    path: &str,
    offset: &str,
    complete: (&str, &str),
    body: &[u8],
) -> Answer {
    let headers = [PARTIAL, ("upload-offset", offset), complete];
    client.ask("PATCH", path, &headers, body).await
}

async fn offset(client: &Client, path: &str) -> Answer {
    client.ask("HEAD", path, &[], b"").await
}

/// `Upload-Offset`, `Upload-Complete` and `Upload-Length`.
fn stands(answer: &Answer) -> (&str, &str, Option<&str>) {
    let (at, complete) = (
        answer.header("upload-offset"),
        answer.header("upload-complete"),
    );
    (at, complete, answer.find("upload-length"))
}

fn problem_type(answer: &Answer) -> String {
    let problem: Value = answer.json();
    let kind = problem["type"].as_str().unwrap();
    let registered = kind.strip_prefix("https://iana.org/assignments/http-problem-types#");
    registered.unwrap_or(kind).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn options_tell_what_can_be_done() {
    let service = Service::start_with(&[("MEDIAMILL_MAX_APPEND_BYTES", "1000000")]).await;
    for (path, key) in [(CREATE, &*service.one.key), ("/v1/resumable/x", "none")] {
        let answer = service
            .one
            .with_key(key)
            .ask("OPTIONS", path, &[LAST], b"")
            .await
            .expect(204);
        let limit = "max-size=104857600, min-size=1, max-append-size=1000000";
        assert_eq!(answer.header("upload-limit"), limit);
        assert_eq!(answer.header("accept-patch"), "application/partial-upload");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_at_once_or_piece_by_piece_it_becomes_a_file() {
    let service = Service::start().await;
    let one = &service.one;
    let name = (
        "content-disposition",
        "inline; filename=\"a b.jpg\"; filename*=UTF-8''%E2%82%AC.jpg",
    );
    let headers = [
        LAST,
        ("upload-length", "5"),
        name,
        ("content-type", "image/jpeg"),
    ];
    let whole = one
        .ask("POST", CREATE, &headers, b"hello")
        .await
        .expect(200);
    assert_eq!(stands(&whole), ("5", "?1", Some("5")));
    assert!(service.has_run(&whole).await);
    let file = whole.header("content-location");
    let file = one.ask("GET", file, &[], b"").await.expect(200).json();
    assert_eq!(
        (&file["filename"], &file["declared_size_bytes"]),
        (&"€.jpg".into(), &5.into())
    );
    assert_eq!(service.joined(whole.header("location")).await, b"hello");

    let path = open(one, Some("12")).await;
    let first = append(one, &path, "0", MORE, b"hello ").await.expect(204);
    assert_eq!(stands(&first), ("6", "?0", Some("12")));
    assert!(!service.has_run(&first).await);
    let at = offset(one, &path).await.expect(204);
    assert_eq!(stands(&at), ("6", "?0", Some("12")));
    assert_eq!(at.header("cache-control"), "no-store");
    let last = append(one, &path, "6", LAST, b"world!").await.expect(200);
    assert_eq!(stands(&last), ("12", "?1", Some("12")));
    assert!(service.has_run(&last).await);
    assert_eq!(service.joined(&path).await, b"hello world!");
    // With the first request.
    let headers = [MORE, ("upload-length", "100")];
    let part = one
        .ask("POST", CREATE, &headers, &[1; 32])
        .await
        .expect(201);
    assert_eq!(stands(&part), ("32", "?0", Some("100")));
    assert!(part.header("upload-limit").contains("max-age="));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_length_may_be_told_late_or_never() {
    let service = Service::start().await;
    let one = &service.one;
    // By the last request; §4.1.3 (1).
    let path = open(one, None).await;
    assert_eq!(stands(&offset(one, &path).await), ("0", "?0", None));
    append(one, &path, "0", MORE, b"abc").await.expect(204);
    append(one, &path, "3", LAST, b"de").await.expect(200);
    assert_eq!(stands(&offset(one, &path).await), ("5", "?1", Some("5")));
    // Between; (2).
    let path = open(one, None).await;
    let headers = [
        PARTIAL,
        ("upload-offset", "0"),
        MORE,
        ("upload-length", "5"),
    ];
    let told = one.ask("PATCH", &path, &headers, b"ab").await.expect(204);
    assert_eq!(stands(&told), ("2", "?0", Some("5")));
    assert_eq!(
        problem_type(&append(one, &path, "2", LAST, b"c").await.expect(400)),
        INCONSISTENT
    );
    append(one, &path, "2", LAST, b"cde").await.expect(200);
    // Never: a body without a length, and an empty one at the end.
    let path = open(one, None).await;
    let headers = [
        PARTIAL,
        ("upload-offset", "0"),
        MORE,
        ("transfer-encoding", "chunked"),
    ];
    let mut exchange = one.begin("PATCH", &path, &headers).await;
    exchange.send(b"3\r\nabc\r\n0\r\n\r\n").await;
    exchange.answer().await.expect(204);
    append(one, &path, "3", LAST, b"").await.expect(200);
    let file = one.ask("GET", &path, &[], b"").await.expect(200);
    let file = format!("/v1/files/{}", file.json()["file_id"].as_str().unwrap());
    let file = one.ask("GET", &file, &[], b"").await.expect(200);
    assert_eq!(file.json()["declared_size_bytes"], 3);
}

const INCONSISTENT: &str = "inconsistent-upload-length";

#[tokio::test(flavor = "multi_thread")]
async fn lengths_that_contradict_each_other_are_refused() {
    let service = Service::start().await;
    let one = &service.one;
    for (length, complete, body) in [("100", LAST, &b"12345"[..]), ("3", MORE, b"12345")] {
        let headers = [complete, ("upload-length", length)];
        let answer = one.ask("POST", CREATE, &headers, body).await.expect(400);
        assert_eq!(problem_type(&answer), INCONSISTENT);
        assert_eq!(answer.header("upload-complete"), "?0");
        assert_eq!(answer.find("location"), None);
    }
    let path = open(one, Some("100")).await;
    let headers = [
        PARTIAL,
        ("upload-offset", "0"),
        MORE,
        ("upload-length", "50"),
    ];
    let answer = one.ask("PATCH", &path, &headers, b"abc").await.expect(400);
    assert_eq!(problem_type(&answer), INCONSISTENT);
    assert_eq!(
        stands(&offset(one, &path).await.expect(204)),
        ("0", "?0", Some("100"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_was_announced_ends_the_upload() {
    let service = Service::start().await;
    let one = &service.one;
    // Announced by `Content-Length`, and not.
    let path = open(one, Some("50")).await;
    append(one, &path, "0", MORE, &[b'b'; 50]).await.expect(204);
    assert_eq!(stands(&offset(one, &path).await), ("50", "?0", Some("50")));
    let answer = append(one, &path, "50", MORE, b"b").await.expect(400);
    assert_eq!(problem_type(&answer), INCONSISTENT);
    offset(one, &path).await.expect(410);

    let path = open(one, Some("3")).await;
    let headers = [
        PARTIAL,
        ("upload-offset", "0"),
        MORE,
        ("transfer-encoding", "chunked"),
    ];
    let mut exchange = one.begin("PATCH", &path, &headers).await;
    exchange.send(b"4\r\nabcd\r\n0\r\n\r\n").await;
    assert_eq!(
        problem_type(&exchange.answer().await.expect(400)),
        INCONSISTENT
    );
    let gone = append(one, &path, "0", MORE, b"a").await.expect(410);
    assert_eq!(gone.json()["code"], "upload_aborted");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_must_begin_where_the_upload_stands() {
    let service = Service::start().await;
    let one = &service.one;
    let path = open(one, Some("100")).await;
    append(one, &path, "0", MORE, &[1; 32]).await.expect(204);
    for provided in [0, 5, 99] {
        let at = provided.to_string();
        let answer = append(one, &path, &at, MORE, b"x").await.expect(409);
        assert_eq!(answer.header("upload-offset"), "32");
        assert_eq!(answer.header("upload-complete"), "?0");
        assert_eq!(problem_type(&answer), "mismatching-upload-offset");
        let problem = answer.json();
        assert_eq!(problem["expected-offset"], 32);
        assert_eq!(problem["provided-offset"], provided);
    }
    append(one, &path, "32", MORE, b"x").await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_cannot_be_read_are_ignored_and_missed() {
    let service = Service::start().await;
    let one = &service.one;
    let path = open(one, None).await;
    for (headers, status) in [
        (vec![PARTIAL, MORE], 400),
        (vec![PARTIAL, MORE, ("upload-offset", "abc")], 400),
        (vec![PARTIAL, MORE, ("upload-offset", "-1")], 400),
        (
            vec![PARTIAL, MORE, ("upload-offset", "9999999999999999")],
            400,
        ),
        (vec![PARTIAL, ("upload-offset", "0")], 400),
        (
            vec![PARTIAL, ("upload-offset", "0"), ("upload-complete", "true")],
            400,
        ),
        (
            vec![
                PARTIAL,
                MORE,
                ("upload-offset", "0"),
                ("upload-offset", "0"),
            ],
            400,
        ),
        (
            vec![
                PARTIAL,
                MORE,
                ("upload-offset", "0"),
                ("upload-offset", "0"),
            ],
            400,
        ),
        (vec![MORE, ("upload-offset", "0")], 415),
        (
            vec![MORE, ("upload-offset", "0"), ("content-type", "text/plain")],
            415,
        ),
        (
            vec![
                PARTIAL,
                MORE,
                ("upload-offset", "0"),
                ("upload-length", "abc"),
            ],
            204,
        ),
    ] {
        let answer = one.ask("PATCH", &path, &headers, b"").await;
        assert_eq!(answer.status(), status, "{headers:?} {answer:?}");
    }
    for header in [("upload-offset", "0"), MORE] {
        one.ask("HEAD", &path, &[header], b"").await.expect(400);
    }
    assert_eq!(stands(&offset(one, &path).await), ("0", "?0", None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_last_answer_is_given_again() {
    let service = Service::start().await;
    let (one, two) = (&service.one, &service.two);
    let path = open(one, Some("5")).await;
    let last = append(one, &path, "0", LAST, b"hello").await.expect(200);
    let at = offset(two, &path).await.expect(204);
    assert_eq!(stands(&at), ("5", "?1", Some("5")));
    assert_eq!(
        at.header("x-file-id"),
        last.json()["file_id"].as_str().unwrap()
    );
    let again = two.ask("GET", &path, &[], b"").await.expect(200);
    assert_eq!(again.json(), last.json());
    let again = append(two, &path, "5", LAST, b"").await.expect(200);
    assert_eq!(again.json(), last.json());
    // But it takes nothing any more.
    let more = append(two, &path, "5", LAST, b"x").await.expect(400);
    assert_eq!(problem_type(&more), INCONSISTENT);
    let kept = one.ask("DELETE", &path, &[], b"").await.expect(409);
    assert_eq!(kept.json()["code"], "upload_completed");
    assert_eq!(service.joined(&path).await, b"hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_is_gone() {
    let service = Service::start().await;
    let one = &service.one;
    let path = open(one, Some("100")).await;
    append(one, &path, "0", MORE, &[1; 32]).await.expect(204);
    one.ask("DELETE", &path, &[], b"").await.expect(204);
    offset(one, &path).await.expect(410);
    append(one, &path, "32", MORE, b"x").await.expect(410);
    one.ask("DELETE", &path, &[], b"").await.expect(410);
    for id in ["nothing", "0193f3a0-0000-7000-8000-000000000000"] {
        let path = format!("{CREATE}/{id}");
        for method in ["HEAD", "GET", "DELETE"] {
            one.ask(method, &path, &[], b"").await.expect(404);
        }
        append(one, &path, "0", MORE, b"x").await.expect(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_changed_on_their_way_are_not_kept() {
    let service = Service::start().await;
    let one = &service.one;
    let body = bytes(9_000_000);
    let path = open(one, Some("9000000")).await;
    let (good, bad) = (digest(&body), digest(b"other"));
    for (digest, status) in [(&bad, 400), (&good, 200)] {
        let headers = [
            PARTIAL,
            ("upload-offset", "0"),
            LAST,
            ("content-digest", &**digest),
        ];
        let answer = one
            .ask("PATCH", &path, &headers, &body)
            .await
            .expect(status);
        if status == 400 {
            assert_eq!(answer.json()["code"], "checksum_mismatch");
            assert_eq!(
                stands(&offset(one, &path).await),
                ("0", "?0", Some("9000000"))
            );
        }
    }
    assert_eq!(service.joined(&path).await, body);
    // One that is not known here is passed over (RFC 9530 §2).
    let headers = [LAST, ("content-digest", "md5=:AAAA:")];
    one.ask("POST", CREATE, &headers, b"hello")
        .await
        .expect(200);
    let headers = [LAST, ("repr-digest", &*digest(b"hello"))];
    let answer = one
        .ask("POST", CREATE, &headers, b"hello")
        .await
        .expect(200);
    let id = answer.json()["upload_id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let mut connection = service.pool.acquire().await.unwrap();
    let upload = media::uploads::load(&mut connection, media::UploadId(id)).await;
    let sha256 = upload.unwrap().unwrap().declared.sha256;
    assert_eq!(sha256, Some(media::Sha256::of(b"hello")));
}

fn digest(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let digest = media::Sha256::of(bytes);
    let encoded = base64::engine::general_purpose::STANDARD.encode(digest.as_bytes());
    format!("sha-256=:{encoded}:")
}
