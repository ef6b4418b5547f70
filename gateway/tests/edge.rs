//! The built-in edge, over a real object store, as a browser sees it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::time::{Duration, Instant};

use api::ApiConfig;
use bytes::Bytes;
use devkit::{
    TcpProxy,
    s3::{S3Options, S3Server},
};
use gateway::GatewayConfig;
use reqwest::{Method, Response};
use settings::Reader;
use storage::{Bucket, ObjectKey, ObjectStore, StorageConfig};
use tempfile::TempDir;
use tokio::net::TcpListener;

const KEY: &str = "media/aa/bb/1/full.webp";
const PLAYLIST: &str = "media/aa/bb/1/master.m3u8";

const EDGE: GatewayConfig = GatewayConfig {
    edge: true,
    max_append_size: None,
};

struct Edge {
    base: String,
    http: reqwest::Client,
    /// In front of the object store.
    proxy: TcpProxy,
    _s3: S3Server,
    _folder: TempDir,
}

/// The edge alone, with one object that it serves and one that it does not.
async fn with_object() -> Edge {
    let folder = tempfile::tempdir().unwrap();
    let s3 = S3Server::start(S3Options {
        root: folder.path().to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        access_key_id: "key".into(),
        secret_access_key: "secret".into(),
        cors_origins: vec!["*".into()],
        sync_writes: false,
    });
    let s3 = s3.await.unwrap();
    let proxy = TcpProxy::start(s3.addr()).await.unwrap();
    let settings = [
        (
            "MEDIAMILL_S3_ENDPOINT",
            format!("http://{}", proxy.address()),
        ),
        ("MEDIAMILL_REQUEST_SECONDS", "5".into()),
        ("MEDIAMILL_S3_ACCESS_KEY_ID", "key".into()),
        ("MEDIAMILL_S3_SECRET_ACCESS_KEY", "secret".into()),
        ("MEDIAMILL_CDN_BASE_URL", "http://localhost/cdn".into()),
    ];
    let mut reader = Reader::new(settings.map(|(name, value)| (name.to_owned(), value)));
    let store = ObjectStore::new(&StorageConfig::from_env(&mut reader));
    let config = ApiConfig::from_env(&mut reader);
    reader.finish().unwrap();
    store.ensure_buckets().await.unwrap();
    let (digits, playlist) = ("0123456789".to_owned(), "#EXTM3U\n".repeat(100));
    for (key, text, kind) in [
        (KEY, &digits, "image/webp"),
        ("originals/aa", &digits, "image/webp"),
        (PLAYLIST, &playlist, "application/vnd.apple.mpegurl"),
    ] {
        let (key, bytes) = (ObjectKey::new(key).unwrap(), Bytes::from(text.clone()));
        let put = store.put_bytes(Bucket::Origin, &key, bytes, kind, None);
        put.await.unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let routes = gateway::routes(&EDGE, store);
    tokio::spawn(async move {
        api::http::serve(
            listener,
            routes,
            api::openapi::contract(),
            &config,
            std::future::pending(),
        )
        .await
    });
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    Edge {
        base,
        http,
        proxy,
        _s3: s3,
        _folder: folder,
    }
}

async fn ask(edge: &Edge, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = edge
        .http
        .request(method, format!("{}/cdn/{path}", edge.base));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn media_is_served_for_ever_and_harmlessly() {
    let edge = with_object().await;
    for method in [Method::GET, Method::HEAD] {
        let answer = ask(&edge, method.clone(), KEY, &[]).await;
        assert_eq!(answer.status(), 200);
        let headers = answer.headers().clone();
        assert_eq!(headers["content-type"], "image/webp");
        assert_eq!(headers["content-length"], "10");
        assert_eq!(headers["access-control-allow-origin"], "*");
        assert!(
            !headers.contains_key("vary"),
            "one copy in a cache is enough"
        );
        assert_eq!(
            headers["cache-control"],
            "public, max-age=31536000, immutable"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(
            headers["content-security-policy"],
            "default-src 'none'; sandbox"
        );
        assert_eq!(headers["access-control-allow-origin"], "*");
        assert!(!headers.contains_key("vary"), "one copy for every origin");
        let body = answer.bytes().await.unwrap();
        assert_eq!(
            &body[..],
            if method == Method::HEAD {
                &b""[..]
            } else {
                b"0123456789"
            }
        );

        let etag = headers["etag"].to_str().unwrap();
        let tags = format!("\"other\", W/{etag}");
        let again = ask(&edge, method, KEY, &[("if-none-match", &tags)]).await;
        assert_eq!(again.status(), 304);
        assert_eq!(again.headers()["etag"], etag);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_served() {
    let edge = with_object().await;
    let part = ask(&edge, Method::GET, KEY, &[("range", "bytes=2-4")]).await;
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 2-4/10");
    assert_eq!(part.text().await.unwrap(), "234");
    let beyond = ask(&edge, Method::GET, KEY, &[("range", "bytes=10-")]).await;
    assert_eq!(beyond.status(), 416);
    assert_eq!(beyond.headers()["content-range"], "bytes */10");
    let changed = [("range", "bytes=2-4"), ("if-range", "\"other\"")];
    assert_eq!(ask(&edge, Method::GET, KEY, &changed).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn playlists_are_sent_compressed_to_those_who_take_that() {
    let edge = with_object().await;
    let gzip = ("accept-encoding", "gzip, br");
    let answer = ask(&edge, Method::GET, PLAYLIST, &[gzip]).await;
    let headers = answer.headers().clone();
    assert_eq!(headers["content-encoding"], "gzip");
    assert_eq!(headers["content-type"], "application/vnd.apple.mpegurl");
    assert_eq!(headers["vary"], "Accept-Encoding");
    let body = answer.bytes().await.unwrap();
    assert!(body.starts_with(&[0x1f, 0x8b]) && body.len() < 100);

    let etag = headers["etag"].to_str().unwrap();
    let again = ask(&edge, Method::GET, PLAYLIST, &[("if-none-match", etag)]).await;
    assert_eq!(again.status(), 304);
    for headers in [&[][..], &[("accept-encoding", "gzip;q=0")]] {
        let plain = ask(&edge, Method::GET, PLAYLIST, headers).await;
        assert!(!plain.headers().contains_key("content-encoding"));
        assert_eq!(plain.headers()["content-length"], "800");
    }
    let part = [gzip, ("range", "bytes=0-6")];
    let part = ask(&edge, Method::GET, PLAYLIST, &part).await;
    assert_eq!(part.status(), 206);
    assert_eq!(part.text().await.unwrap(), "#EXTM3U");
    let picture = ask(&edge, Method::GET, KEY, &[gzip]).await;
    assert_eq!(picture.text().await.unwrap(), "0123456789");
}

#[tokio::test(flavor = "multi_thread")]
async fn originals_and_everything_else_stay_hidden() {
    let edge = with_object().await;
    for path in [
        "originals/aa",
        "media/../originals/aa",
        "media/%2e%2e/originals/aa",
        "media%2f..%2foriginals%2faa",
        "media/",
        "media/nothing",
        "",
        "uploads/x",
    ] {
        let answer = ask(&edge, Method::GET, path, &[]).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(
            answer.headers()["content-type"],
            "application/problem+json",
            "{path}"
        );
    }
    assert_eq!(ask(&edge, Method::DELETE, KEY, &[]).await.status(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_silent_is_an_outage_and_soon_known() {
    let edge = with_object().await;
    edge.proxy.partition(true);
    let asked = Instant::now();
    let answer = ask(&edge, Method::GET, KEY, &[]).await;
    let took = asked.elapsed();
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    assert!(took < Duration::from_secs(8), "took {took:?}");
    edge.proxy.partition(false);
    assert_eq!(ask(&edge, Method::GET, KEY, &[]).await.status(), 200);
}
