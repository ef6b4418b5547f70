//! Requests that hang, break, or come twice: a later one takes the upload at once, and nothing that was confirmed is
//! lost.

use std::time::{Duration, Instant};

use crate::CREATE;
use crate::client::{Client, Exchange};
use crate::service::{Service, bytes};

const MIB: usize = 1024 * 1024;
const TUS: (&str, &str) = ("tus-resumable", "1.0.0");

async fn open(client: &Client, length: usize) -> String {
    let length = length.to_string();
    let headers = [TUS, ("upload-length", &*length)];
    let answer = client.ask("POST", CREATE, &headers, b"").await.expect(201);
    answer.header("location").to_owned()
}

/// A request that says that it sends the rest from `offset`.
async fn begin(client: &Client, path: &str, offset: usize, rest: usize) -> Exchange {
    let (offset, rest) = (offset.to_string(), rest.to_string());
    let headers = [
        TUS,
        ("content-type", "application/offset+octet-stream"),
        ("upload-offset", &*offset),
        ("content-length", &*rest),
    ];
    client.begin("PATCH", path, &headers).await
}

async fn offset(client: &Client, path: &str) -> usize {
    let answer = client.ask("HEAD", path, &[TUS], b"").await.expect(200);
    answer.header("upload-offset").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_request_ends_one_that_hangs_here_and_elsewhere() {
    let service = Service::start().await;
    let body = bytes(20 * MIB);
    for newcomer in [&service.one, &service.two] {
        let path = open(&service.one, body.len()).await;
        let mut hung = begin(&service.one, &path, 0, body.len()).await;
        hung.send(&body[..10 * MIB]).await;
        // Also what was less than a part is kept aside when nothing more comes.
        service.kept(&path, 10 * MIB).await;
        let asked = Instant::now();
        let at = offset(newcomer, &path).await;
        assert_eq!(at, 10 * MIB);
        let told = hung.answer().await.expect(409);
        let took = asked.elapsed();
        assert_eq!(told.json()["code"], "upload_displaced");
        assert!(took < Duration::from_secs(5), "took {took:?}");
        let mut rest = begin(newcomer, &path, at, body.len() - at).await;
        rest.send(&body[at..]).await;
        let took = asked.elapsed();
        rest.answer().await.expect(204);
        assert!(took < Duration::from_secs(15), "took {took:?}");
        assert_eq!(service.joined(&path).await, body);
    }
}

/// Systems that resume by themselves take an answer for the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_whose_request_is_displaced_sees_the_connection_end() {
    let service = Service::start().await;
    let headers = [
        ("upload-complete", "?1"),
        ("content-length", "100"),
        ("upload-draft-interop-version", "8"),
    ];
    let mut phone = service.one.begin("POST", CREATE, &headers).await;
    let path = phone.head().await.header("location").to_owned();
    phone.send(b"hello").await;
    service.kept(&path, 5).await;
    let at = service.two.ask("HEAD", &path, &[], b"").await.expect(204);
    assert_eq!(at.header("upload-offset"), "5");
    let said = phone.all_within(Duration::from_secs(2)).await;
    // How much is kept it may still have been told.
    assert!(
        !said.contains("HTTP/1.1 4") && !said.contains("HTTP/1.1 5"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_come_is_kept_when_the_connection_breaks() {
    let service = Service::start().await;
    let body = bytes(17 * MIB + 3);
    let path = open(&service.one, body.len()).await;
    let mut at = 0;
    for cut in [1, 70_000, 5 * MIB, 8 * MIB, 12 * MIB + 1, 17 * MIB + 2] {
        let mut broken = begin(&service.one, &path, at, body.len() - at).await;
        broken.send(&body[at..cut]).await;
        drop(broken);
        service.kept(&path, cut).await;
        at = offset(&service.two, &path).await;
        assert_eq!(at, cut);
    }
    let mut rest = begin(&service.two, &path, at, body.len() - at).await;
    rest.send(&body[at..]).await;
    rest.answer().await.expect(204);
    assert_eq!(service.joined(&path).await, body);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_the_same_offset_one_succeeds() {
    let service = Service::start().await;
    let path = open(&service.one, 64).await;
    let tries = (0..16_u8).map(|n| {
        let (client, path) = (
            if n % 2 == 0 {
                &service.one
            } else {
                &service.two
            },
            &path,
        );
        async move {
            let headers = [
                TUS,
                ("content-type", "application/offset+octet-stream"),
                ("upload-offset", "0"),
            ];
            let status = client.ask("PATCH", path, &headers, &[n; 32]).await.status();
            (status == 204).then_some(n)
        }
    });
    let won: Vec<u8> = futures::future::join_all(tries)
        .await
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(won.len(), 1, "{won:?}");
    let at = offset(&service.one, &path).await;
    assert_eq!(at, 32);
    let mut rest = begin(&service.two, &path, 32, 32).await;
    rest.send(&[99; 32]).await;
    rest.answer().await.expect(204);
    let joined = service.joined(&path).await;
    assert_eq!(joined, [[won[0]; 32], [99; 32]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_part_of_a_displaced_request_never_counts() {
    let service = Service::start().await;
    let (wrong, body) = (vec![7; 9 * MIB], bytes(9 * MIB));
    let path = open(&service.one, body.len()).await;
    // Its part hangs on the way to the store.
    service.s3.partition(true);
    let mut late = begin(&service.one, &path, 0, body.len()).await;
    late.send(&wrong).await;
    service.sends_a_part(&path).await;
    // Displaced before it gets there.
    let at = offset(&service.two, &path).await;
    service.s3.partition(false);
    let mut rest = begin(&service.two, &path, at, body.len()).await;
    rest.send(&body).await;
    rest.answer().await.expect(204);
    assert_eq!(service.joined(&path).await, body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_given_up_ends_its_request() {
    let service = Service::start().await;
    let path = open(&service.one, 100).await;
    let mut hung = begin(&service.one, &path, 0, 100).await;
    hung.send(&[1; 10]).await;
    let asked = Instant::now();
    let id = path.rsplit('/').next().unwrap();
    service
        .two
        .ask("DELETE", &format!("/v1/uploads/{id}"), &[], b"")
        .await
        .expect(204);
    let told = hung.answer().await;
    assert!(
        asked.elapsed() < Duration::from_secs(10),
        "took {:?}",
        asked.elapsed()
    );
    assert!([409, 410].contains(&told.status()), "{told:?}");
    service
        .one
        .ask("HEAD", &path, &[TUS], b"")
        .await
        .expect(410);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_store_loses_nothing_that_was_confirmed() {
    let service = Service::start().await;
    let body = bytes(12 * MIB);
    let path = open(&service.one, body.len()).await;
    let mut first = begin(&service.one, &path, 0, 9 * MIB).await;
    first.send(&body[..9 * MIB]).await;
    first.answer().await.expect(204);
    service.s3.cut(devkit::proxy::Which::All);
    service.s3.refuse(true);
    let mut lost = begin(&service.one, &path, 9 * MIB, 3 * MIB).await;
    lost.send(&body[9 * MIB..]).await;
    let answer = lost.answer().await.expect(503);
    assert!(answer.find("retry-after").is_some());
    service.s3.refuse(false);
    let at = offset(&service.two, &path).await;
    assert_eq!(at, 9 * MIB);
    let mut rest = begin(&service.two, &path, at, body.len() - at).await;
    rest.send(&body[at..]).await;
    rest.answer().await.expect(204);
    assert_eq!(service.joined(&path).await, body);
}
