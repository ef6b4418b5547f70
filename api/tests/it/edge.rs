//! The built-in edge.

use bytes::Bytes;
use media::storage::{Bucket, ObjectKey};
use reqwest::{Method, Response};

use crate::service::Service;

const KEY: &str = "media/aa/bb/1/full.webp";

async fn with_object() -> Service {
    let service = Service::start().await;
    for key in [KEY, "originals/aa"] {
        let key = ObjectKey::new(key).unwrap();
        let bytes = Bytes::from_static(b"0123456789");
        service
            .store
            .put_bytes(Bucket::Origin, &key, bytes, "image/webp", None)
            .await
            .unwrap();
    }
    service
}

async fn ask(service: &Service, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = service
        .http
        .request(method, format!("{}/cdn/{path}", service.base));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn media_is_served_for_ever_and_harmlessly() {
    let service = with_object().await;
    for method in [Method::GET, Method::HEAD] {
        let answer = ask(&service, method.clone(), KEY, &[]).await;
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
        let again = ask(&service, method, KEY, &[("if-none-match", &tags)]).await;
        assert_eq!(again.status(), 304);
        assert_eq!(again.headers()["etag"], etag);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_served() {
    let service = with_object().await;
    let part = ask(&service, Method::GET, KEY, &[("range", "bytes=2-4")]).await;
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 2-4/10");
    assert_eq!(part.text().await.unwrap(), "234");
    let beyond = ask(&service, Method::GET, KEY, &[("range", "bytes=10-")]).await;
    assert_eq!(beyond.status(), 416);
    assert_eq!(beyond.headers()["content-range"], "bytes */10");
    let changed = [("range", "bytes=2-4"), ("if-range", "\"other\"")];
    assert_eq!(
        ask(&service, Method::GET, KEY, &changed).await.status(),
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn originals_and_everything_else_stay_hidden() {
    let service = with_object().await;
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
        let answer = ask(&service, Method::GET, path, &[]).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(
            answer.headers()["content-type"],
            "application/problem+json",
            "{path}"
        );
    }
    assert_eq!(ask(&service, Method::DELETE, KEY, &[]).await.status(), 405);
}
