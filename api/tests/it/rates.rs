//! How much one owner may hold and how often one may ask.

use media::api_keys::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::service::Service;

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_has_so_many_uploads_open_and_no_more() {
    let service = Service::start_with(&[("MEDIAMILL_MAX_OPEN_UPLOADS", "2")]).await;
    let key = service.key("a", &[Scope::UploadsWrite]).await;
    let first = service.initiate(&key, 5).await;
    service.initiate(&key, 5).await;
    let body = json!({ "filename": "a", "content_type": "image/png", "size_bytes": 5 });
    let one_more = service
        .request(Method::POST, "/v1/uploads", &key)
        .json(&body);
    let answer = one_more.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()["retry-after"], "60");
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "too_many_open_uploads");
    assert_eq!(problem["limit"], "2 open uploads");

    let other = service.key("b", &[Scope::UploadsWrite]).await;
    service.initiate(&other, 5).await;
    let path = format!("/v1/uploads/{}", first["upload_id"].as_str().unwrap());
    let aborted = service.request(Method::DELETE, &path, &key).send().await;
    assert_eq!(aborted.unwrap().status(), StatusCode::NO_CONTENT);
    service.initiate(&key, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_open_no_more_uploads_than_may_be() {
    let service = Service::start_with(&[("MEDIAMILL_MAX_OPEN_UPLOADS", "3")]).await;
    let key = service.key("a", &[Scope::UploadsWrite]).await;
    let body = json!({ "filename": "a", "content_type": "image/png", "size_bytes": 9_000_000 });
    let open = |_| service.post("/v1/uploads", &key, &body);
    let answers = futures::future::join_all((0..24).map(open)).await;
    let count = |status| answers.iter().filter(|(s, _)| *s == status).count();
    assert_eq!(
        (
            count(StatusCode::CREATED),
            count(StatusCode::TOO_MANY_REQUESTS)
        ),
        (3, 21),
        "{answers:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_asks_so_often_and_operators_go_on() {
    let service = Service::start_with(&[("MEDIAMILL_REQUESTS_PER_SECOND", "2")]).await;
    let key = service.key("a", &[Scope::FilesRead]).await;
    let same_owner = service.key("a", &[Scope::FilesRead, Scope::Admin]).await;
    let other = service.key("b", &[Scope::FilesRead]).await;
    let list = |_| service.request(Method::GET, "/v1/files", &key).send();
    let answers = futures::future::join_all((0..40).map(list)).await;
    let refused = answers
        .into_iter()
        .map(|answer| answer.unwrap())
        .find(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS);
    let refused = refused.expect("40 requests at once are too many");
    assert_eq!(refused.headers()["retry-after"], "1");
    let policy = refused.headers()["ratelimit-policy"].to_str().unwrap();
    assert!(policy.starts_with("\"owner\";q="), "{policy}");
    assert_eq!(refused.headers()["ratelimit"], "\"owner\";r=0;t=1");
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "too_many_requests");
    for _ in 0..10 {
        let (status, _) = service.get("/v1/admin/queues", &same_owner).await;
        assert_eq!(status, StatusCode::OK);
    }
    assert_eq!(service.get("/v1/files", &other).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_are_looked_up_so_often_and_good_ones_still_open() {
    let service = Service::start_with(&[("MEDIAMILL_WRONG_KEYS_PER_MINUTE", "5")]).await;
    let key = service.key("a", &[Scope::FilesRead]).await;
    assert_eq!(service.get("/v1/files", &key).await.0, StatusCode::OK);
    for n in 0..5 {
        let (status, _) = service.get("/v1/files", &format!("mm_{n}")).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    let (status, problem) = service.get("/v1/files", "mm_6").await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("too_many_requests"))
    );
    assert_eq!(service.get("/v1/files", &key).await.0, StatusCode::OK);
}

/// Asks again and again over connections of its own: how many were opened, and how many refused for asking too often.
async fn flood(service: &Service, key: &str, requests: usize) -> (usize, usize) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = json!({ "filename": "a", "content_type": "image/png", "size_bytes": 5 });
    let (mut opened, mut refused) = (0, 0);
    for _ in 0..requests {
        let url = format!("{}/v1/uploads", service.base);
        let answer = http.post(url).bearer_auth(key).json(&body);
        let answer = answer.send().await.unwrap();
        match answer.status() {
            StatusCode::CREATED => opened += 1,
            StatusCode::TOO_MANY_REQUESTS => {
                assert!(answer.headers().contains_key("retry-after"));
                let problem: Value = answer.json().await.unwrap();
                assert_eq!(problem["code"], "too_many_requests");
                refused += 1;
            }
            other => panic!("{other}: {}", answer.text().await.unwrap()),
        }
    }
    (opened, refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_floods_is_refused_and_others_notice_nothing() {
    const CONNECTIONS: usize = 50;
    const EACH: usize = 200;
    let own = [
        ("MEDIAMILL_REQUESTS_PER_SECOND", "50"),
        ("MEDIAMILL_MAX_OPEN_UPLOADS", "10000"),
    ];
    let service = Service::start_with(&own).await;
    let key = service.key("flooder", &[Scope::UploadsWrite]).await;
    let other = service.key("other", &[Scope::UploadsWrite]).await;
    let floods = futures::future::join_all((0..CONNECTIONS).map(|_| flood(&service, &key, EACH)));
    let others = async {
        for _ in 0..40 {
            // Fails unless it is opened.
            service.initiate(&other, 5).await;
        }
    };
    let (floods, ()) = tokio::join!(floods, others);
    let opened: usize = floods.iter().map(|(opened, _)| opened).sum();
    let refused: usize = floods.iter().map(|(_, refused)| refused).sum();
    assert_eq!(opened + refused, CONNECTIONS * EACH);
    assert!(refused > opened, "{opened} opened and {refused} refused");
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM uploads WHERE owner_id = 'flooder'")
        .fetch_one(&service.pool)
        .await
        .unwrap();
    assert_eq!(
        usize::try_from(rows),
        Ok(opened),
        "what is refused opens nothing"
    );
    let (status, _) = service.get("/v1/health", &other).await;
    assert_eq!(status, StatusCode::OK);
}
