//! tus's concatenation: uploads that were sent beside each other become one file.

use media::api_keys::Scope;

use crate::CREATE;
use crate::client::{Answer, Client};
use crate::service::{Service, bytes};

const TUS: (&str, &str) = ("tus-resumable", "1.0.0");
const BYTES: (&str, &str) = ("content-type", "application/offset+octet-stream");
const PARTIAL: (&str, &str) = ("upload-concat", "partial");

/// Sends a piece of a file, in one request but for its last byte.
async fn piece(client: &Client, body: &[u8]) -> String {
    let length = body.len().to_string();
    let headers = [TUS, PARTIAL, BYTES, ("upload-length", &length)];
    let (most, last) = body.split_at(body.len() - 1);
    let made = client.ask("POST", CREATE, &headers, most).await.expect(201);
    assert_eq!(made.header("upload-concat"), "partial");
    let offset = most.len().to_string();
    let headers = [TUS, BYTES, ("upload-offset", &offset)];
    let path = made.header("location").to_owned();
    let sent = client.ask("PATCH", &path, &headers, last).await.expect(204);
    assert_eq!(sent.header("upload-offset"), length);
    path
}

async fn put_together(client: &Client, urls: &str) -> Answer {
    let concat = format!("final;{urls}");
    // filename "sea.jpg".
    let metadata = ("upload-metadata", "filename c2VhLmpwZw==");
    let headers = [TUS, ("upload-concat", &concat), metadata];
    client.ask("POST", CREATE, &headers, b"").await
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_of_any_size_become_one_file() {
    let service = Service::start().await;
    let body = bytes(29_000_000);
    // A part is 6 MiB: parts that lie in one piece, in two, and in many.
    let ends = [14_000_000, 14_000_001, 14_000_010, 20_000_000, 29_000_000];
    let (mut urls, mut start) = (Vec::new(), 0);
    for end in ends {
        let path = piece(&service.one, &body[start..end]).await;
        urls.push(format!("http://{}{path}", service.two.address));
        start = end;
    }
    let files: i64 = service
        .count("SELECT count(*) FROM media_files WHERE status = 'PENDING'")
        .await;
    assert_eq!(files, 5, "no piece is completed by itself");

    let done = put_together(&service.two, &urls.join(" "))
        .await
        .expect(201);
    assert!(service.has_run(&done).await);
    let path = done.header("location").to_owned();
    assert!(
        done.header("upload-concat")
            .starts_with("final;/v1/resumable/")
    );
    assert_eq!(service.joined(&path).await, body);
    let at = service
        .one
        .ask("HEAD", &path, &[TUS], b"")
        .await
        .expect(200);
    assert_eq!(
        (at.header("upload-offset"), at.header("upload-length")),
        ("29000000", "29000000")
    );
    assert_eq!(at.header("upload-concat"), done.header("upload-concat"));
    let listed = service
        .one
        .ask("GET", "/v1/files", &[], b"")
        .await
        .expect(200)
        .json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["items"][0]["filename"], "sea.jpg");
    let held = "SELECT bytes FROM owners WHERE files = 1";
    assert_eq!(
        service.count(held).await,
        29_000_000,
        "the pieces count no more"
    );

    // Whoever lost the answer is given it again; the pieces are gone, and the whole takes no bytes.
    let again = put_together(&service.one, &urls.join(" "))
        .await
        .expect(201);
    assert_eq!(again.header("location"), path);
    let gone = path_of(&urls[0]);
    service.one.ask("HEAD", gone, &[TUS], b"").await.expect(404);
    let headers = [TUS, BYTES, ("upload-offset", "29000000")];
    service
        .one
        .ask("PATCH", &path, &headers, b"x")
        .await
        .expect(403);
}

fn path_of(url: &str) -> &str {
    &url[url.find("/v1/").unwrap()..]
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_twice_at_once_gets_one_file() {
    let service = Service::start().await;
    let body = bytes(13_000_000);
    let one = piece(&service.one, &body[..6_500_000]).await;
    let two = piece(&service.one, &body[6_500_000..]).await;
    let urls = format!("{one} {two}");
    let asked = (0..6).map(|n| {
        put_together(
            if n % 2 == 0 {
                &service.one
            } else {
                &service.two
            },
            &urls,
        )
    });
    let answers = futures::future::join_all(asked).await;
    let mut locations = Vec::new();
    for answer in answers {
        // One that was overtaken may be told so.
        match answer.status() {
            201 => locations.push(answer.header("location").to_owned()),
            409 => {}
            other => panic!("{other}: {}", answer.json()),
        }
    }
    let last = put_together(&service.two, &urls).await.expect(201);
    locations.push(last.header("location").to_owned());
    locations.dedup();
    assert_eq!(locations.len(), 1);
    assert_eq!(service.joined(&locations[0]).await, body);
    let runs = "SELECT count(*) FROM media_files WHERE status = 'ASSEMBLING'";
    assert_eq!(service.count(runs).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whole_pieces_of_ones_own_are_put_together() {
    let service = Service::start().await;
    let client = &service.one;
    let whole = piece(client, b"hello").await;
    let foreign = piece(
        &service.stranger("b", &[Scope::UploadsWrite]).await,
        b"world",
    )
    .await;
    let headers = [TUS, PARTIAL, ("upload-length", "5")];
    let unfinished = client.ask("POST", CREATE, &headers, b"").await.expect(201);
    let unfinished = unfinished.header("location");
    let headers = [TUS, ("upload-length", "5")];
    let ordinary = client.ask("POST", CREATE, &headers, b"").await.expect(201);
    let ordinary = ordinary.header("location");
    let headers = [TUS, BYTES, ("upload-length", "5")];
    let complete = client
        .ask("POST", CREATE, &headers, b"hello")
        .await
        .expect(201);
    let complete = complete.header("location");
    let elsewhere = format!("https://other.example.com{whole}");
    for (urls, status, code) in [
        ("", 400, "invalid_parameter"),
        ("/v1/resumable/1", 400, "invalid_parameter"),
        (&*elsewhere, 400, "invalid_parameter"),
        (&format!("{whole} {whole}"), 400, "invalid_parameter"),
        (&format!("{whole} {foreign}"), 404, "not_found"),
        (&format!("{whole} {unfinished}"), 409, "parts_missing"),
        (&format!("{whole} {ordinary}"), 400, "invalid_parameter"),
        (&format!("{whole} {complete}"), 400, "invalid_parameter"),
    ] {
        let refused = put_together(client, urls).await.expect(status);
        assert_eq!(refused.json()["code"], code, "{urls}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_is_no_file_and_a_whole_is_no_piece() {
    let service = Service::start().await;
    let client = &service.one;
    let whole = piece(client, b"hello").await;
    let concat = format!("final;{whole}");
    let with = |header| [TUS, BYTES, ("upload-concat", &*concat), header];
    let long = client
        .ask("POST", CREATE, &with(("upload-length", "5")), b"")
        .await
        .expect(400);
    assert_eq!(long.json()["errors"][0]["parameter"], "upload-length");
    let headers = with(("upload-metadata", ""));
    client
        .ask("POST", CREATE, &headers, b"bytes")
        .await
        .expect(400);
    // A piece is no file in the other protocol, either.
    let draft = [
        ("upload-complete", "?1"),
        ("upload-offset", "5"),
        ("content-type", "application/partial-upload"),
    ];
    let refused = client.ask("PATCH", &whole, &draft, b"").await.expect(400);
    assert_eq!(refused.json()["code"], "upload_protocol_unsupported");

    let done = put_together(client, &whole).await.expect(201);
    let of_final = put_together(client, done.header("location"))
        .await
        .expect(400);
    assert_eq!(of_final.json()["code"], "invalid_parameter");
    let given_up = piece(client, b"again").await;
    client
        .ask("DELETE", &given_up, &[TUS], b"")
        .await
        .expect(204);
    put_together(client, &given_up).await.expect(410);
}
