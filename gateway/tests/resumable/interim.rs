//! `104 (Upload Resumption Supported)`, as it goes over the wire.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::CREATE;
use crate::service::{Service, bytes};

const MIB: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn every_version_is_told_at_once_where_to_go_on_and_then_how_far_it_is() {
    let service = Service::start().await;
    let body = bytes(20 * MIB);
    let length = body.len().to_string();
    for version in [Some("6"), Some("7"), Some("8"), Some("9"), None] {
        let mut headers = vec![("upload-complete", "?1"), ("content-length", &*length)];
        headers.extend(version.map(|version| ("upload-draft-interop-version", version)));
        let asked = Instant::now();
        let mut exchange = service.one.begin("POST", CREATE, &headers).await;
        // Before a byte of the body was sent.
        let first = exchange.head().await;
        let took = asked.elapsed();
        assert_eq!(first.status, 104, "{version:?}");
        assert!(took < Duration::from_secs(10), "took {took:?}");
        assert_eq!(first.find("upload-draft-interop-version"), version);
        let location = first.header("location").to_owned();
        let limit = first.header("upload-limit");
        assert!(
            limit.starts_with("max-size=104857600, min-size=1, max-age=86"),
            "{limit}"
        );
        assert_eq!(limit.contains("expires="), version == Some("6"), "{limit}");

        exchange.send(&body).await;
        let answer = exchange.answer().await.expect(200);
        let offsets: Vec<usize> = answer
            .interim
            .iter()
            .inspect(|head| {
                assert_eq!(head.status, 104);
                assert_eq!(head.find("upload-draft-interop-version"), version);
                assert_eq!(head.find("location"), None);
            })
            .map(|head| head.header("upload-offset").parse().unwrap())
            .collect();
        // Parts that are stored together are told together; the last whole one is always told.
        assert!(offsets.contains(&(18 * MIB)), "{offsets:?}");
        assert!(offsets.is_sorted(), "{offsets:?}");
        assert_eq!(answer.header("location"), location);
        assert_eq!(answer.header("upload-complete"), "?1");
        assert_eq!(answer.json()["status"], "ASSEMBLING");
        assert_eq!(service.joined(&location).await, body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_could_not_read_them_gets_none() {
    let service = Service::start().await;
    let tus = [("tus-resumable", "1.0.0"), ("upload-length", "5")];
    let draft = [("upload-complete", "?0")];
    for (headers, interim) in [(&tus[..], 0), (&draft, 1)] {
        let answer = service
            .one
            .ask("POST", CREATE, headers, b"")
            .await
            .expect(201);
        assert_eq!(answer.interim.len(), interim, "{headers:?}");
    }
    let headers = [("upload-complete", "?0"), ("http-version", "1.0")];
    let exchange = service.one.begin("POST", CREATE, &headers).await;
    let said = exchange.all_within(Duration::from_secs(10)).await;
    assert!(said.starts_with("HTTP/1.0 201 "), "{said}");
    // Systems that know another draft send a whole file, and would resume it if they were told that they can.
    for complete in [("upload-complete", "?1"), ("upload-incomplete", "?0")] {
        let headers = [complete, ("upload-draft-interop-version", "5")];
        let answer = service
            .one
            .ask("POST", CREATE, &headers, b"hello")
            .await
            .expect(200);
        assert!(answer.interim.is_empty(), "{answer:?}");
        assert_eq!(answer.find("upload-draft-interop-version"), None);
        assert_eq!(service.joined(answer.header("location")).await, b"hello");
    }
    for version in ["3", "5", "10", "x", ""] {
        let headers = [
            ("upload-complete", "?0"),
            ("upload-draft-interop-version", version),
        ];
        let answer = service
            .one
            .ask("POST", CREATE, &headers, b"x")
            .await
            .expect(400);
        assert!(answer.interim.is_empty());
        assert_eq!(
            answer.json()["code"],
            "upload_protocol_unsupported",
            "{version}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_comes_without_them() {
    let service = Service::start().await;
    let stranger = service.one.with_key("mm_wrong");
    for (client, headers, status) in [
        (&stranger, [("upload-complete", "?1"), ("x", "y")], 401),
        (
            &service.one,
            [("upload-complete", "?1"), ("upload-length", "104857601")],
            400,
        ),
        (
            &service.one,
            [("upload-complete", "?0"), ("upload-length", "104857601")],
            413,
        ),
        (&service.one, [("upload-complete", "yes"), ("x", "y")], 400),
    ] {
        let answer = client
            .ask("POST", CREATE, &headers, b"hello")
            .await
            .expect(status);
        assert!(answer.interim.is_empty(), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_to_be_asked_is_told_both() {
    let service = Service::start().await;
    let headers = [
        ("upload-complete", "?1"),
        ("content-length", "5"),
        ("expect", "100-continue"),
    ];
    let mut exchange = service.one.begin("POST", CREATE, &headers).await;
    let mut told = [exchange.head().await.status, exchange.head().await.status];
    told.sort_unstable();
    assert_eq!(told, [100, 104]);
    exchange.send(b"hello").await;
    exchange.answer().await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_keep_their_order_on_one_connection() {
    let service = Service::start().await;
    let (address, key) = (service.one.address, &service.one.key);
    let create = |n: usize| {
        format!(
            "POST /v1/resumable HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {key}\r\nupload-complete: ?0\r\n\
             upload-length: {}\r\ncontent-length: 0\r\n\r\n",
            n + 1
        )
    };
    let mut stream = TcpStream::connect(address).await.unwrap();
    // All in one breath, with an ordinary request between.
    let all: String = (0..20).map(create).collect();
    let last = "GET /v1/livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    stream.write_all((all + last).as_bytes()).await.unwrap();
    let mut said = String::new();
    let read = stream.read_to_string(&mut said);
    tokio::time::timeout(Duration::from_secs(30), read)
        .await
        .unwrap()
        .unwrap();
    let statuses: Vec<&str> = said
        .lines()
        .filter_map(|line| line.strip_prefix("HTTP/1.1 "))
        .map(|status| &status[..3])
        .collect();
    let mut expected = ["104", "201"].repeat(20);
    expected.push("200");
    assert_eq!(statuses, expected, "{said}");
}
