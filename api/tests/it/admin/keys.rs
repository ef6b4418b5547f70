//! API keys, made and ended over the API.

use chrono::{TimeDelta, Utc};
use media::api_keys::Scope;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::world::problem;
use crate::service::Service;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_works_and_ends() {
    let service = Service::start().await;
    let admin = service.key("root", &[Scope::Admin]).await;
    let new = json!({
        "owner": "ann", "scopes": ["files:read", "files:read"], "name": "laptop", "reason": "a new colleague",
        "expires_at": Utc::now() + TimeDelta::hours(1),
    });
    let (status, made) = service.post("/v1/admin/keys", &admin, &new).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(made["key"]["scopes"], json!(["files:read"]));
    let secret = made["secret"].as_str().unwrap();
    let (_, account) = service.get("/v1/account", secret).await;
    assert_eq!(account["owner"], "ann");

    let id = made["key"]["api_key_id"].as_str().unwrap();
    let path = format!("/v1/admin/keys/{id}");
    let (_, shown) = service.get(&path, &admin).await;
    assert!(
        shown["last_used_at"].is_string() && shown["expires_at"].is_string(),
        "{shown}"
    );
    let (_, listed) = service.get("/v1/admin/keys?owner=ann", &admin).await;
    assert_eq!(listed["items"], json!([shown]));
    let secrets = listed.to_string() + &shown.to_string();
    assert!(!secrets.contains(secret), "it is shown once");

    for _ in 0..2 {
        let reason = json!({ "reason": "lost" });
        let (status, revoked) = service
            .post(&format!("{path}/revoke"), &admin, &reason)
            .await;
        assert_eq!(status, StatusCode::OK, "{revoked}");
        assert!(revoked["revoked_at"].is_string());
    }
    assert_eq!(
        service.get("/v1/account", secret).await.0,
        StatusCode::UNAUTHORIZED
    );
    let (_, listed) = service.get("/v1/admin/keys?owner=ann", &admin).await;
    assert_eq!(listed["items"], json!([]));
    let (_, listed) = service
        .get("/v1/admin/keys?owner=ann&ended=true", &admin)
        .await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);

    let (_, audit) = service
        .get(&format!("/v1/admin/audit?target={id}"), &admin)
        .await;
    let done = audit["items"].as_array().unwrap().iter();
    let done: Vec<_> = done
        .map(|entry| (&entry["action"], &entry["reason"]))
        .collect();
    assert_eq!(
        done,
        [
            (&json!("key.revoke"), &json!("lost")),
            (&json!("key.create"), &json!("a new colleague"))
        ]
    );
    assert!(!audit.to_string().contains(secret), "nor in the audit");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_come_by_pages_and_what_cannot_be_one_is_refused() {
    let service = Service::start().await;
    let admin = service.key("root", &[Scope::Admin]).await;
    for _ in 0..4 {
        service.key("ann", &[Scope::FilesRead]).await;
    }
    let (mut seen, mut cursor) = (Vec::<Value>::new(), String::new());
    loop {
        let path = format!("/v1/admin/keys?limit=2{cursor}");
        let (_, page) = service.get(&path, &admin).await;
        seen.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    let ids: std::collections::BTreeSet<_> = seen
        .iter()
        .map(|key| key["api_key_id"].to_string())
        .collect();
    assert_eq!((seen.len(), ids.len()), (5, 5));

    let good = json!({ "owner": "ann", "scopes": ["admin"], "reason": "because" });
    for (field, value) in [
        ("owner", json!("")),
        ("owner", json!("a b")),
        ("owner", json!("x".repeat(65))),
        ("scopes", json!([])),
        ("scopes", json!(["files:write"])),
        ("name", json!("a\0")),
        ("name", json!("x".repeat(201))),
        ("expires_at", json!("2020-01-01T00:00:00Z")),
        ("expires_at", json!("tomorrow")),
        ("expires_at", json!("-262143-01-01T00:00:00Z")),
        ("reason", json!(" ")),
        ("owner_id", json!("ann")),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = service.post("/v1/admin/keys", &admin, &body).await;
        assert_eq!(problem(&answer), (422, "invalid_field"), "{body}");
    }
    let nobody = "/v1/admin/keys/0193a000-0000-7000-8000-000000000000";
    assert_eq!(
        problem(&service.get(nobody, &admin).await),
        (404, "not_found")
    );
    let reason = json!({ "reason": "lost" });
    let answer = service
        .post(&format!("{nobody}/revoke"), &admin, &reason)
        .await;
    assert_eq!(problem(&answer), (404, "not_found"));
    let (_, keys) = service.get("/v1/admin/keys", &admin).await;
    assert_eq!(
        keys["items"].as_array().unwrap().len(),
        5,
        "nothing was made"
    );
}
