//! Every operation of the contract, with every key that may not: a new one is walked by itself, and one that cannot be
//! walked fails the test.

use std::collections::BTreeSet;

use chrono::{TimeDelta, Utc};
use media::api_keys::{self, ApiKey, Scope};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::service::{self, Service};

/// Asked by load balancers and monitors, which have no key.
const PUBLIC: [&str; 3] = ["getHealth", "getLiveness", "getReadiness"];

struct Operation {
    id: String,
    method: Method,
    template: String,
    /// What it says that it needs; `None` is nothing.
    needs: Option<Scope>,
    /// A body that it takes, if it takes one.
    body: Option<Value>,
}

impl Operation {
    /// Its address, with these in the place of its parameters.
    fn path(&self, values: &[(&str, &str)]) -> String {
        let value = |segment: &str| match segment.strip_prefix('{') {
            None => segment.to_owned(),
            Some(name) => {
                let name = name.trim_end_matches('}');
                let value = values.iter().find(|(known, _)| *known == name);
                let value = value.map(|(_, value)| (*value).to_owned());
                value.unwrap_or_else(|| panic!("{}: give a value for {name}", self.id))
            }
        };
        self.template
            .split('/')
            .map(value)
            .collect::<Vec<_>>()
            .join("/")
    }

    async fn ask(&self, service: &Service, path: &str, key: Option<&str>) -> (StatusCode, Value) {
        let url = format!("{}{path}", service.base);
        let mut request = service.http.request(self.method.clone(), url);
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        if let Some(body) = &self.body {
            request = request.json(body);
        }
        service::json(request.send().await.unwrap()).await
    }
}

/// All of them, as the document has them.
fn operations() -> Vec<Operation> {
    let document = api::openapi::document_31();
    let mut operations = Vec::new();
    for (template, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            let said = operation["description"].as_str().unwrap_or_default();
            let said: Vec<Scope> = Scope::ALL
                .into_iter()
                .filter(|scope| {
                    said.replace('\n', " ")
                        .contains(&format!("scope `{scope}`"))
                })
                .collect();
            let secured = operation["security"]
                .as_array()
                .is_some_and(|s| !s.is_empty());
            assert_eq!(
                said.len(),
                usize::from(secured),
                "{id}: say which scope it needs"
            );
            let schema =
                operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
            let body = schema.map(|schema| {
                let schema = document.pointer(schema.trim_start_matches('#')).unwrap();
                body_of(&document, schema)
            });
            operations.push(Operation {
                id,
                method: method.to_uppercase().parse().unwrap(),
                template: template.clone(),
                needs: said.first().copied(),
                body,
            });
        }
    }
    operations
}

/// The example of a schema, or else an object with what it requires.
fn body_of(document: &Value, schema: &Value) -> Value {
    if let Some(target) = schema["$ref"].as_str() {
        return body_of(
            document,
            document.pointer(target.trim_start_matches('#')).unwrap(),
        );
    }
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let required = schema["required"].as_array().into_iter().flatten();
            let required = required.map(|name| name.as_str().unwrap());
            let field = |name: &str| {
                (
                    name.to_owned(),
                    body_of(document, &schema["properties"][name]),
                )
            };
            Value::Object(required.map(field).collect())
        }
        Some("array") => json!([body_of(document, &schema["items"])]),
        Some("string") => json!("text"),
        Some("boolean") => json!(true),
        _ => schema.get("minimum").cloned().unwrap_or(json!(1)),
    }
}

const NOWHERE: &str = "0193a000-0000-7000-8000-000000000000";
const VALUES: [(&str, &str); 10] = [
    ("token_id", NOWHERE),
    ("upload_id", NOWHERE),
    ("file_id", NOWHERE),
    ("run_id", NOWHERE),
    ("letter_id", NOWHERE),
    ("redrive_id", NOWHERE),
    ("discard_id", NOWHERE),
    ("api_key_id", NOWHERE),
    ("queue", "light"),
    ("owner", "ann"),
];

/// A key that was good once.
async fn ended(service: &Service, expires: bool) -> String {
    let secret = service.key("ann", &Scope::ALL).await;
    let key = ApiKey::presented(secret.clone());
    let mut connection = service.pool.acquire().await.unwrap();
    let id = api_keys::identify(&mut connection, &key)
        .await
        .unwrap()
        .unwrap();
    if expires {
        let past = Utc::now() - TimeDelta::seconds(1);
        api_keys::expire(&mut connection, id, past).await.unwrap();
    } else {
        assert!(
            api_keys::revoke(&mut connection, id, Utc::now())
                .await
                .unwrap()
        );
    }
    secret
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_refuses_every_key_that_may_not() {
    let settings = [("MEDIAMILL_WRONG_KEYS_PER_MINUTE", "0")];
    let service = Service::start_with(&settings).await;
    let (revoked, expired) = (ended(&service, false).await, ended(&service, true).await);
    let admin = service.key("ann", &[Scope::Admin]).await;
    let mut public = BTreeSet::new();
    for operation in operations() {
        let (id, path) = (&operation.id, operation.path(&VALUES));
        let Some(needs) = operation.needs else {
            public.insert(id.clone());
            continue;
        };
        let refused = [None, Some("mm_none"), Some(&*revoked), Some(&*expired)];
        for key in refused {
            let (status, problem) = operation.ask(&service, &path, key).await;
            let found = (
                status.as_u16(),
                problem["code"].as_str().unwrap_or_default(),
            );
            assert_eq!(found, (401, "unauthenticated"), "{id} with {key:?}");
        }
        let lesser: Vec<_> = Scope::ALL
            .into_iter()
            .filter(|scope| ![needs, Scope::Admin].contains(scope))
            .collect();
        let lesser = service.key("ann", &lesser).await;
        let (status, problem) = operation.ask(&service, &path, Some(&lesser)).await;
        let found = (
            status.as_u16(),
            problem["code"].as_str().unwrap_or_default(),
        );
        assert_eq!(found, (403, "scope_missing"), "{id}");
        // So it was the key, and not something else about the request.
        for key in [service.key("ann", &[needs]).await, admin.clone()] {
            let (status, answer) = operation.ask(&service, &path, Some(&key)).await;
            assert!(
                ![401, 403, 500].contains(&status.as_u16()),
                "{id}: {answer}"
            );
        }
    }
    let expected = PUBLIC.map(ToOwned::to_owned).into();
    assert_eq!(public, expected, "operations without a key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_key_finds_nothing_and_changes_nothing() {
    let service = Service::start().await;
    let ann = service
        .key("ann", &[Scope::UploadsWrite, Scope::FilesRead])
        .await;
    // Even an admin key reaches only its own owner's files.
    let eve = service.key("eve", &[Scope::Admin]).await;
    let upload = service.initiate(&ann, 5).await;
    service.send(&upload["upload"], b"hello".to_vec()).await;
    let id = |name: &str| upload[name].as_str().unwrap().to_owned();
    let (upload_id, file_id) = (id("upload_id"), id("file_id"));
    let made = json!({ "max_files": 1, "max_bytes": 1 });
    let (_, token) = service.post("/v1/upload-tokens", &ann, &made).await;
    let token_id = token["token"]["token_id"].as_str().unwrap().to_owned();
    let values = [
        ("upload_id", &*upload_id),
        ("file_id", &*file_id),
        ("token_id", &*token_id),
    ];
    let mut tried = 0;
    for operation in operations() {
        // Operators see every owner's; nobody else gets in there.
        let (id, template) = (&operation.id, &operation.template);
        if !template.contains('{') || template.starts_with("/v1/admin/") {
            continue;
        }
        let path = operation.path(&values);
        let (status, problem) = operation.ask(&service, &path, Some(&eve)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{id}: {problem}");
        tried += 1;
    }
    assert!(tried >= 8, "{tried}");
    assert_eq!(service.get("/v1/files", &eve).await.1["items"], json!([]));

    let file = format!("/v1/files/{file_id}");
    let (_, found) = service.get(&file, &ann).await;
    assert_eq!(found["status"], "PENDING");
    let complete = format!("/v1/uploads/{upload_id}/complete");
    let (status, _) = service.post(&complete, &ann, &json!(null)).await;
    assert_eq!(status, StatusCode::ACCEPTED);
}
