//! Pages of the allowed origins may upload and may read why they were refused; pages of others may not.

use reqwest::{Method, Response};

use crate::contract::{Contract, HOUR, ORIGIN, object_key};

async fn preflight(c: &Contract, origin: &str) -> Response {
    let url = c
        .store
        .presign_put(&object_key("k"), 1, HOUR)
        .await
        .unwrap()
        .url;
    let request = c
        .http
        .request(Method::OPTIONS, url)
        .header("origin", origin);
    let request = request.header("access-control-request-method", "PUT");
    request
        .header("access-control-request-headers", "content-type")
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_preflight_allows_known_origins_only() {
    let c = Contract::new().await;
    if c.embedded.is_none() {
        return;
    }
    let allowed = preflight(&c, ORIGIN).await;
    assert!(allowed.status().is_success());
    assert_eq!(allowed.headers()["access-control-allow-origin"], ORIGIN);
    assert!(
        allowed.headers()["access-control-allow-methods"]
            .to_str()
            .unwrap()
            .contains("PUT")
    );
    assert_eq!(
        allowed.headers()["access-control-allow-headers"],
        "content-type"
    );
    let refused = preflight(&c, "http://elsewhere.example").await;
    assert_eq!(refused.status(), 403);
    assert!(
        !refused
            .headers()
            .contains_key("access-control-allow-origin")
    );
}

#[tokio::test]
async fn answers_show_the_etag_and_errors_show_themselves() {
    let c = Contract::new().await;
    if c.embedded.is_none() {
        return;
    }
    let signed = c
        .store
        .presign_put(&object_key("k"), 1, HOUR)
        .await
        .unwrap();
    for (body, status) in [("x", 200), ("longer", 403)] {
        let answer = c
            .http
            .put(&signed.url)
            .header("origin", ORIGIN)
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["access-control-allow-origin"], ORIGIN);
        let exposed = answer.headers()["access-control-expose-headers"]
            .to_str()
            .unwrap();
        assert!(exposed.split(", ").any(|name| name == "ETag"), "{exposed}");
    }
    let stranger = c
        .http
        .put(&signed.url)
        .header("origin", "http://elsewhere.example")
        .body("x");
    let stranger = stranger.send().await.unwrap();
    assert!(
        !stranger
            .headers()
            .contains_key("access-control-allow-origin")
    );
    let same_origin = c.http.put(&signed.url).body("x").send().await.unwrap();
    assert!(
        !same_origin
            .headers()
            .contains_key("access-control-allow-origin")
    );
}
