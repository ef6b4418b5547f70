//! What others may not do, and how much anybody may hold.

use std::time::{Duration, Instant};

use media::api_keys::Scope;

use crate::CREATE;
use crate::client::Client;
use crate::service::Service;

const TUS: (&str, &str) = ("tus-resumable", "1.0.0");
const BYTES: (&str, &str) = ("content-type", "application/offset+octet-stream");

async fn open(client: &Client) -> String {
    let headers = [TUS, ("upload-length", "100")];
    let answer = client.ask("POST", CREATE, &headers, b"").await.expect(201);
    answer.header("location").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_upload_is_not_there() {
    let service = Service::start().await;
    let path = open(&service.one).await;
    let stranger = service.stranger("b", &[Scope::UploadsWrite]).await;
    let reader = service.stranger("a", &[Scope::FilesRead]).await;
    let nobody = service.one.with_key("mm_nothing");
    for (client, status) in [(&stranger, 404), (&reader, 403), (&nobody, 401)] {
        for method in ["HEAD", "GET", "DELETE", "PATCH"] {
            let headers = [TUS, BYTES, ("upload-offset", "0")];
            let headers = if method == "PATCH" {
                &headers[..]
            } else {
                &headers[..1]
            };
            let answer = client.ask(method, &path, headers, b"").await;
            assert_eq!(answer.status(), status, "{method} {answer:?}");
        }
    }
    for (client, status) in [(&reader, 403), (&nobody, 401)] {
        let headers = [TUS, ("upload-length", "5")];
        client
            .ask("POST", CREATE, &headers, b"")
            .await
            .expect(status);
    }
    service
        .one
        .ask("HEAD", &path, &[TUS], b"")
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_has_so_many_uploads_open_by_whatever_way() {
    let service = Service::start_with(&[("MEDIAMILL_MAX_OPEN_UPLOADS", "2")]).await;
    open(&service.one).await;
    open(&service.one).await;
    let headers = [TUS, ("upload-length", "5")];
    let answer = service
        .one
        .ask("POST", CREATE, &headers, b"")
        .await
        .expect(429);
    assert_eq!(answer.json()["code"], "too_many_open_uploads");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_sends_as_much_as_a_proxy_in_front_takes() {
    let service = Service::start_with(&[("MEDIAMILL_MAX_APPEND_BYTES", "65536")]).await;
    let partial = ("content-type", "application/partial-upload");
    let headers = [("upload-complete", "?0"), ("upload-length", "100000")];
    let opened = service
        .one
        .ask("POST", CREATE, &headers, b"")
        .await
        .expect(201);
    let path = opened.header("location");
    assert!(
        opened
            .header("upload-limit")
            .contains("max-append-size=65536")
    );
    let headers = [partial, ("upload-offset", "0"), ("upload-complete", "?0")];
    let answer = service
        .one
        .ask("PATCH", path, &headers, &vec![1; 65_537])
        .await
        .expect(413);
    assert!(
        answer
            .header("upload-limit")
            .contains("max-append-size=65536")
    );
    // Also if it does not say how much it sends.
    let mut chunked = headers.to_vec();
    chunked.push(("transfer-encoding", "chunked"));
    let mut exchange = service.one.begin("PATCH", path, &chunked).await;
    exchange.send(format!("{:x}\r\n", 70_000).as_bytes()).await;
    exchange.send(&vec![1; 70_000]).await;
    exchange.send(b"\r\n0\r\n\r\n").await;
    exchange.answer().await.expect(413);
    service
        .one
        .ask("PATCH", path, &headers, &vec![1; 65_536])
        .await
        .expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_unknown_length_is_as_large_as_a_file_may_be() {
    let service = Service::start_with(&[("MEDIAMILL_MAX_FILE_BYTES", "1000")]).await;
    let headers = [TUS, ("upload-defer-length", "1")];
    let opened = service
        .one
        .ask("POST", CREATE, &headers, b"")
        .await
        .expect(201);
    let path = opened.header("location");
    let headers = [TUS, BYTES, ("upload-offset", "0")];
    let answer = service
        .one
        .ask("PATCH", path, &headers, &[1; 1001])
        .await
        .expect(413);
    assert_eq!(answer.json()["code"], "file_too_large");
    service
        .one
        .ask("PATCH", path, &headers, &[1; 1000])
        .await
        .expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_requests_send_bytes_at_a_time_and_the_others_wait() {
    let service = Service::start().await;
    let mut hung = Vec::new();
    for _ in 0..32 {
        let path = open(&service.one).await;
        let headers = [
            TUS,
            BYTES,
            ("upload-offset", "0"),
            ("content-length", "100"),
        ];
        let mut exchange = service.one.begin("PATCH", &path, &headers).await;
        exchange.send(b"x").await;
        hung.push((path, exchange));
    }
    let path = open(&service.one).await;
    let headers = [TUS, BYTES, ("upload-offset", "0")];
    let deadline = Instant::now() + Duration::from_secs(10);
    let refused = loop {
        let answer = service.one.ask("PATCH", &path, &headers, b"").await;
        if answer.status() == 503 {
            break answer;
        }
        assert!(Instant::now() < deadline, "33 requests send bytes");
    };
    assert_eq!(refused.header("retry-after"), "2");
    // Somebody else has a place, and one that hangs is still displaced.
    let other = service.stranger("b", &[Scope::UploadsWrite]).await;
    let path = open(&other).await;
    other
        .ask("PATCH", &path, &headers, &[1; 10])
        .await
        .expect(204);
    let (path, _) = &hung[0];
    service.one.ask("HEAD", path, &[TUS], b"").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_silent_for_so_long_and_what_has_come_is_kept() {
    let service = Service::start_with(&[("MEDIAMILL_REQUEST_SECONDS", "1")]).await;
    let path = open(&service.one).await;
    let headers = [
        TUS,
        BYTES,
        ("upload-offset", "0"),
        ("content-length", "100"),
    ];
    let mut exchange = service.one.begin("PATCH", &path, &headers).await;
    let begun = Instant::now();
    // It may take longer than other requests as long as it moves.
    for _ in 0..4 {
        exchange.send(b"hello").await;
        tokio::time::sleep(Duration::from_millis(800)).await;
    }
    let answer = exchange.answer().await.expect(400);
    let took = begun.elapsed();
    assert!(
        (Duration::from_secs(4)..Duration::from_secs(9)).contains(&took),
        "took {took:?}"
    );
    assert_eq!(answer.json()["code"], "bad_request");
    let at = service
        .two
        .ask("HEAD", &path, &[TUS], b"")
        .await
        .expect(200);
    assert_eq!(at.header("upload-offset"), "20");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_upload_is_gone() {
    let service = Service::start().await;
    let path = open(&service.one).await;
    sqlx::query("UPDATE uploads SET expires_at = now()")
        .execute(&service.pool)
        .await
        .unwrap();
    for (method, headers) in [
        ("HEAD", &[TUS][..]),
        ("PATCH", &[TUS, BYTES, ("upload-offset", "0")]),
    ] {
        let answer = service
            .one
            .ask(method, &path, headers, b"")
            .await
            .expect(410);
        if method == "PATCH" {
            assert_eq!(answer.json()["code"], "upload_expired");
        }
    }
}

/// Whoever asks too much of one process finds that another knows of it, though no request asks the database.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_owner_asks_of_one_process_counts_at_all() {
    let service = Service::start_with(&[("MEDIAMILL_REQUESTS_PER_SECOND", "20")]).await;
    // A whole burst is 40.
    let refused = async |client: &Client, requests: usize| {
        let asked = (0..requests).map(|_| client.ask("GET", "/v1/files", &[], b""));
        let answers = futures::future::join_all(asked).await;
        answers.iter().filter(|it| it.status() == 429).count()
    };
    let began = Instant::now();
    loop {
        refused(&service.one, 60).await;
        // It tells of this one, and learns of the others.
        let before = refused(&service.two, 1).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        if before + refused(&service.two, 38).await > 0 {
            break;
        }
        let waited = began.elapsed();
        assert!(
            waited < Duration::from_mins(1),
            "the other knows of nothing"
        );
        // Of its own requests it knows nothing more then.
        tokio::time::sleep(Duration::from_millis(2500)).await;
    }
    let other = service.stranger("b", &[Scope::FilesRead]).await;
    assert_eq!(refused(&other, 1).await, 0);
}
