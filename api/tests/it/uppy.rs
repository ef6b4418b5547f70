//! The routes that Uppy's S3 plugin calls, and the tokens by which it may.

use futures::future::join_all;
use media::api_keys::{self, ApiKey, Scope};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::service::{self, FRIEND, Service};

const BOTH: [Scope; 2] = [Scope::UploadsWrite, Scope::FilesRead];
const MIB: usize = 1024 * 1024;

/// A token, as its secret and as what it allows.
async fn token(service: &Service, key: &str, allows: Value) -> (String, Value) {
    let (status, made) = service.post("/v1/upload-tokens", key, &allows).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert_eq!(made["uppy_path"], format!("/uppy/{secret}"));
    (secret, made["token"].clone())
}

/// As Uppy asks: without any header of its own.
async fn ask(service: &Service, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let request = service
        .http
        .request(method, format!("{}{path}", service.base));
    let request = request.header("origin", FRIEND);
    let request = if body.is_null() {
        request
    } else {
        request.json(&body)
    };
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], FRIEND);
    service::json(response).await
}

async fn create(service: &Service, token: &str, size: usize) -> (StatusCode, Value) {
    let body = json!({
        "filename": "harbour.jpg", "type": "image/jpeg",
        "metadata": { "size": size, "name": "harbour.jpg", "type": "image/jpeg", "relativePath": null, "album": "sea" },
    });
    ask(
        service,
        Method::POST,
        &format!("/uppy/{token}/s3/multipart"),
        body,
    )
    .await
}

fn code((status, answer): &(StatusCode, Value)) -> (u16, &str) {
    (status.as_u16(), answer["code"].as_str().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_as_companion_would_have_it() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    let allows = json!({ "max_files": 2, "max_bytes": 20_000_000, "content_types": ["image/*"] });
    let (secret, _) = token(&service, &key, allows).await;
    let size = 6 * MIB;
    let (status, made) = create(&service, &secret, size).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    let id = made["uploadId"].as_str().unwrap();
    let base = format!("/uppy/{secret}/s3/multipart/{id}");

    let mut parts = Vec::new();
    for (number, bytes) in [(1, 5 * MIB), (2, MIB)] {
        let (_, signed) = ask(
            &service,
            Method::GET,
            &format!("{base}/{number}?key={id}"),
            Value::Null,
        )
        .await;
        assert!(signed["expires"].as_i64().unwrap() > 0, "{signed}");
        let put = service.http.put(signed["url"].as_str().unwrap());
        let put = put.body(vec![7; bytes]).send().await.unwrap();
        assert_eq!(put.status(), StatusCode::OK);
        parts.push(put.headers()["etag"].to_str().unwrap().to_owned());
    }
    let (_, listed) = ask(
        &service,
        Method::GET,
        &format!("{base}?key={id}"),
        Value::Null,
    )
    .await;
    assert_eq!(listed[0]["PartNumber"], 1);
    assert_eq!(listed[1]["Size"], MIB);
    assert_eq!(listed[1]["ETag"], parts[1]);
    let (_, signed) = ask(
        &service,
        Method::GET,
        &format!("{base}/batch?key={id}&partNumbers=1,2"),
        Value::Null,
    )
    .await;
    assert_eq!(signed["presignedUrls"].as_object().unwrap().len(), 2);

    let complete = format!("{base}/complete?key={id}");
    let wrong = json!({ "parts": [{ "PartNumber": 1, "ETag": "other" }, { "PartNumber": 2, "ETag": parts[1] }] });
    let refused = ask(&service, Method::POST, &complete, wrong).await;
    assert_eq!(code(&refused), (409, "etag_mismatch"));
    // Version 6 takes the quotes away, version 5 leaves them.
    let sent = json!({ "parts": [
        { "PartNumber": 1, "ETag": parts[0].trim_matches('"') }, { "PartNumber": 2, "ETag": parts[1] },
    ] });
    for _ in 0..2 {
        let (status, done) = ask(&service, Method::POST, &complete, sent.clone()).await;
        assert_eq!(status, StatusCode::OK, "{done}");
        let (_, file) = service.get(done["location"].as_str().unwrap(), &key).await;
        assert_eq!(file["status"], "ASSEMBLING");
        assert_eq!(file["metadata"], json!({ "album": "sea" }));
        assert_eq!(file["declared_size_bytes"], size);
    }

    // The other one is given up.
    let (_, made) = create(&service, &secret, 5).await;
    let base = format!(
        "/uppy/{secret}/s3/multipart/{}",
        made["uploadId"].as_str().unwrap()
    );
    assert_eq!(
        ask(&service, Method::DELETE, &base, Value::Null).await,
        (StatusCode::OK, json!({}))
    );
    let over = ask(&service, Method::GET, &base, Value::Null).await;
    assert_eq!(code(&over), (409, "upload_aborted"));
    let used_up = create(&service, &secret, 5).await;
    assert_eq!(code(&used_up), (403, "quota_exceeded"));
    assert_eq!(used_up.1["quota"]["resource"], "files");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_allows_no_more_than_it_says() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    let allows =
        json!({ "max_files": 10, "max_bytes": 100, "content_types": ["image/*", "video/mp4"] });
    let (secret, _) = token(&service, &key, allows).await;
    let path = format!("/uppy/{secret}/s3/multipart");
    for (body, expected) in [
        (
            json!({ "filename": "a", "type": "text/html", "metadata": { "size": 1 } }),
            (422, "unsupported_type"),
        ),
        (
            json!({ "filename": "a", "type": "", "metadata": { "size": 1 } }),
            (422, "unsupported_type"),
        ),
        (
            json!({ "filename": "a", "type": "video/mp2t", "metadata": { "size": 1 } }),
            (422, "unsupported_type"),
        ),
        (
            json!({ "filename": "a", "type": "image/png", "metadata": { "size": 101 } }),
            (403, "quota_exceeded"),
        ),
        (
            json!({ "filename": "a", "type": "image/png", "metadata": { "size": 0 } }),
            (422, "file_empty"),
        ),
        (
            json!({ "filename": "a", "type": "image/png", "metadata": { "size": -1 } }),
            (422, "invalid_field"),
        ),
        (
            json!({ "filename": "a", "type": "image/png", "metadata": { "size": u64::MAX } }),
            (422, "invalid_field"),
        ),
        (
            json!({ "filename": "a", "type": "image/png", "metadata": {} }),
            (422, "invalid_field"),
        ),
        (
            json!({ "filename": "a", "type": "image/png" }),
            (422, "invalid_field"),
        ),
        (
            json!({ "type": "image/png", "metadata": { "size": 1 } }),
            (422, "invalid_field"),
        ),
        (
            json!({ "filename": "a", "type": "image/png", "metadata": { "size": 1, "sha256": 7 } }),
            (422, "invalid_field"),
        ),
        (json!([]), (422, "invalid_field")),
        (json!("text"), (422, "invalid_field")),
    ] {
        let answer = ask(&service, Method::POST, &path, body.clone()).await;
        // Of what is too large both may be told.
        if body["metadata"]["size"] == u64::MAX {
            assert!([403, 413, 422].contains(&answer.0.as_u16()), "{}", answer.1);
        } else {
            assert_eq!(code(&answer), expected, "{body}: {}", answer.1);
        }
    }
    // Of several at once, as many as there is room for.
    let all = join_all((0..10).map(|_| create(&service, &secret, 30))).await;
    let opened = all
        .iter()
        .filter(|answer| answer.0 == StatusCode::OK)
        .count();
    assert_eq!(opened, 3);
    let multiparts: i64 =
        sqlx::query_scalar("SELECT count(*) FROM uploads WHERE token_id IS NOT NULL")
            .fetch_one(&service.pool)
            .await
            .unwrap();
    assert_eq!(multiparts, 3);

    for allows in [
        json!({ "max_files": 0, "max_bytes": 1 }),
        json!({ "max_files": 1 }),
        json!({ "max_files": 1, "max_bytes": 0 }),
        json!({ "max_files": 1, "max_bytes": 1, "lifetime_seconds": 86_401 }),
        json!({ "max_files": 1, "max_bytes": 1, "lifetime_seconds": 0 }),
        json!({ "max_files": 1, "max_bytes": 1, "content_types": ["image"] }),
        json!({ "max_files": 1, "max_bytes": 1, "owner": "bob" }),
    ] {
        let (status, problem) = service.post("/v1/upload-tokens", &key, &allows).await;
        assert_eq!(
            (status.as_u16(), &problem["code"]),
            (422, &json!("invalid_field")),
            "{allows}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_reaches_what_was_opened_with_it() {
    let service = Service::start_with(&[("MEDIAMILL_WRONG_KEYS_PER_MINUTE", "0")]).await;
    let ann = service.key("ann", &BOTH).await;
    let allows = json!({ "max_files": 5, "max_bytes": 1000 });
    let (one, _) = token(&service, &ann, allows.clone()).await;
    let (two, _) = token(&service, &ann, allows).await;
    let (_, made) = create(&service, &one, 5).await;
    let id = made["uploadId"].as_str().unwrap();
    let by_key = service.initiate(&ann, 5).await;
    let key_id = by_key["upload_id"].as_str().unwrap();

    for (token, id) in [
        (&two, id),
        (&one, key_id),
        (&one, "x"),
        (&one, "0193a000-0000-7000-8000-000000000000"),
    ] {
        let base = format!("/uppy/{token}/s3/multipart/{id}");
        let complete = json!({ "parts": [] });
        for (method, path, body) in [
            (Method::GET, base.clone(), Value::Null),
            (Method::GET, format!("{base}/1"), Value::Null),
            (
                Method::GET,
                format!("{base}/batch?partNumbers=1"),
                Value::Null,
            ),
            (Method::POST, format!("{base}/complete"), complete),
            (Method::DELETE, base.clone(), Value::Null),
        ] {
            let answer = ask(&service, method, &path, body).await;
            assert_eq!(code(&answer), (404, "not_found"), "{path}");
        }
    }
    for number in ["0", "2", "x", "-1", "65536"] {
        let path = format!("/uppy/{one}/s3/multipart/{id}/{number}");
        let answer = ask(&service, Method::GET, &path, Value::Null).await;
        assert_eq!(code(&answer), (400, "invalid_parameter"), "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_by_itself_when_it_is_revoked_and_with_its_key() {
    let service = Service::start_with(&[("MEDIAMILL_WRONG_KEYS_PER_MINUTE", "0")]).await;
    let (ann, bob) = (
        service.key("ann", &BOTH).await,
        service.key("bob", &BOTH).await,
    );
    let allows = json!({ "max_files": 5, "max_bytes": 1000 });
    let (one, view) = token(&service, &ann, allows.clone()).await;
    let (two, _) = token(&service, &ann, allows.clone()).await;
    let (_, listed) = service.get("/v1/upload-tokens?limit=1", &ann).await;
    assert!(listed["next_cursor"].is_string());
    assert!(!listed.to_string().contains(&two), "it is shown once");
    assert_eq!(
        service.get("/v1/upload-tokens", &bob).await.1["items"],
        json!([])
    );
    let path = format!("/v1/upload-tokens/{}", view["token_id"].as_str().unwrap());
    assert_eq!(service.delete(&path, &bob).await.0, StatusCode::NOT_FOUND);
    assert_eq!(create(&service, &one, 5).await.0, StatusCode::OK);
    for _ in 0..2 {
        assert_eq!(service.delete(&path, &ann).await.0, StatusCode::NO_CONTENT);
        assert_eq!(
            code(&create(&service, &one, 5).await),
            (401, "unauthenticated")
        );
    }
    for wrong in ["mmu_none", &ann, &"x".repeat(5000)] {
        let answer = create(&service, wrong, 5).await;
        assert_eq!(code(&answer), (401, "unauthenticated"), "{wrong}");
    }
    // With the key that made it, and by itself.
    let mut connection = service.pool.acquire().await.unwrap();
    assert_eq!(create(&service, &two, 5).await.0, StatusCode::OK);
    let key = ApiKey::presented(ann);
    let key = api_keys::identify(&mut connection, &key)
        .await
        .unwrap()
        .unwrap();
    let now = chrono::Utc::now();
    assert!(api_keys::revoke(&mut connection, key, now).await.unwrap());
    assert_eq!(
        code(&create(&service, &two, 5).await),
        (401, "unauthenticated")
    );
    let (three, _) = token(&service, &bob, allows).await;
    assert_eq!(create(&service, &three, 5).await.0, StatusCode::OK);
    sqlx::query("UPDATE upload_tokens SET expires_at = now() - interval '1 second'")
        .execute(&service.pool)
        .await
        .unwrap();
    assert_eq!(
        code(&create(&service, &three, 5).await),
        (401, "unauthenticated")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_uppy_may_not_do_is_told() {
    let service = Service::start().await;
    let key = service.key("ann", &BOTH).await;
    let (secret, _) = token(&service, &key, json!({ "max_files": 1, "max_bytes": 9 })).await;
    let path = |rest: &str| format!("/uppy/{secret}/s3/{rest}");
    let params = path("params?filename=a.jpg&type=image/jpeg");
    let (status, problem) = ask(&service, Method::GET, &params, Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("shouldUseMultipart: true"), "{detail}");
    for (rest, allowed) in [
        ("multipart", "POST"),
        ("multipart/a", "GET, HEAD, DELETE"),
        ("multipart/a/1", "GET, HEAD"),
        ("multipart/a/complete", "POST"),
        ("params", "GET, HEAD"),
    ] {
        let url = format!("{}{}", service.base, path(rest));
        let refused = service.http.put(url).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(refused.headers()["allow"], allowed, "{rest}");
    }
}

/// Sends a form as it was signed, with `content` behind its fields. Where the store sends a browser is not followed.
async fn send(form: &Value, content: &[u8]) -> reqwest::Response {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let mut body = Vec::new();
    let fields = form["fields"].as_object().unwrap().iter();
    let fields = fields.map(|(name, value)| {
        (
            format!("name=\"{name}\""),
            value.as_str().unwrap().as_bytes(),
        )
    });
    let file = ("name=\"file\"; filename=\"blob\"".to_owned(), content);
    for (name, value) in fields.chain([file]) {
        body.extend(format!("--b\r\nContent-Disposition: form-data; {name}\r\n\r\n").as_bytes());
        body.extend([value, b"\r\n"].concat());
    }
    body.extend(b"--b--\r\n");
    let post = client
        .no_proxy()
        .build()
        .unwrap()
        .post(form["url"].as_str().unwrap());
    let post = post.header("content-type", "multipart/form-data; boundary=b");
    post.body(body).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_held_to_its_size_and_completes_when_the_store_sends_the_browser_on() {
    const PUBLIC: &str = "https://api.example.com";
    let service = Service::start_with(&[("MEDIAMILL_PUBLIC_URL", PUBLIC)]).await;
    let key = service.key("ann", &BOTH).await;
    let allows = json!({ "max_files": 2, "max_bytes": 20_000_000, "content_types": ["image/*"] });
    let (secret, _) = token(&service, &key, allows).await;
    let params = format!("/uppy/{secret}/s3/params?filename=sea.jpg&type=image/jpeg");
    let refused = ask(&service, Method::GET, &params, Value::Null).await;
    assert_eq!(
        refused.1["errors"][0]["pointer"], "/metadata/size",
        "{refused:?}"
    );
    let sized = format!("{params}&metadata[size]=9000000&metadata[album]=sea");
    let (status, form) = ask(&service, Method::GET, &sized, Value::Null).await;
    assert_eq!(
        (status, &form["method"]),
        (StatusCode::OK, &json!("POST")),
        "{form}"
    );
    let redirect = form["fields"]["success_action_redirect"].as_str().unwrap();
    let sent = redirect.strip_prefix(PUBLIC).unwrap();

    let nothing = ask_from_anywhere(&service, sent).await;
    assert_eq!(nothing.0, StatusCode::CONFLICT, "{nothing:?}");
    let longer = send(&form, &vec![7; 9_000_001]).await;
    assert_eq!(longer.status(), StatusCode::BAD_REQUEST);
    let whole = send(&form, &vec![7; 9_000_000]).await;
    assert_eq!(whole.status(), StatusCode::SEE_OTHER);
    let to = whole.headers()["location"].to_str().unwrap();
    assert!(to.starts_with(&format!("{redirect}?")), "{to}");
    for _ in 0..2 {
        let (status, done) = ask_from_anywhere(&service, to.strip_prefix(PUBLIC).unwrap()).await;
        assert_eq!(status, StatusCode::OK, "{done}");
        let location = done["location"].as_str().unwrap();
        let file = service.get(location, &key).await.1;
        assert_eq!(
            (&file["status"], &file["metadata"]["album"]),
            (&json!("ASSEMBLING"), &json!("sea"))
        );
    }
    let (other, _) = token(&service, &key, json!({ "max_files": 1, "max_bytes": 9 })).await;
    let strange = ask_from_anywhere(&service, &sent.replace(&secret, &other)).await;
    assert_eq!(code(&strange), (404, "not_found"));
}

/// As a browser that another origin has sent on, which asks first and hides where it comes from.
async fn ask_from_anywhere(service: &Service, path: &str) -> (StatusCode, Value) {
    let url = format!("{}{path}", service.base);
    let first = service
        .http
        .request(Method::OPTIONS, &url)
        .header("origin", "null");
    let first = first
        .header("access-control-request-method", "GET")
        .send()
        .await
        .unwrap();
    assert_eq!(first.status(), StatusCode::NO_CONTENT);
    let then = service
        .http
        .get(&url)
        .header("origin", "null")
        .send()
        .await
        .unwrap();
    for answer in [&first, &then] {
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    }
    service::json(then).await
}
