//! JWT bearer tokens of an issuer of the test's own. The keys in `jwt/` were made for these tests and open nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA384, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::Utc;
use media::api_keys::Scope;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use crate::service::Service;

const RSA: &[u8] = include_bytes!("jwt/rsa.der");
const EC: &[u8] = include_bytes!("jwt/ec.der");
const ED25519: &[u8] = include_bytes!("jwt/ed25519.der");
const PUBLIC: &str = include_str!("jwt/public.json");

/// Of whom the service takes tokens: serves its keys, counts who asks, and can be away.
struct Issuer {
    url: String,
    answer: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start(keys: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = Self {
            url: format!("http://{}/keys", listener.local_addr().unwrap()),
            answer: Arc::new(Mutex::new(ok(keys))),
            asked: Arc::default(),
        };
        let (answer, asked) = (issuer.answer.clone(), issuer.asked.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                asked.fetch_add(1, Ordering::SeqCst);
                let mut request = vec![0; 8192];
                let _ = stream.read(&mut request).await;
                let answer = answer.lock().await.clone();
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        issuer
    }

    async fn service(&self, more: &[(&str, &str)]) -> Service {
        let mut settings = vec![
            ("MEDIAMILL_JWT_JWKS_URL", self.url.as_str()),
            ("MEDIAMILL_JWT_ISSUER", "https://login.example.com"),
            ("MEDIAMILL_JWT_AUDIENCE", "mediamill"),
            ("MEDIAMILL_WRONG_KEYS_PER_MINUTE", "0"),
        ];
        settings.extend(more);
        Service::start_with(&settings).await
    }
}

fn ok(keys: &Value) -> String {
    let body = json!({ "keys": keys }).to_string();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// What is published of a key, `rsa`, `ec` or `ed25519`.
fn public(kind: &str, id: &str) -> Value {
    let mut public: Value = serde_json::from_str(PUBLIC).unwrap();
    let mut public = public[kind].take();
    public["kid"] = id.into();
    public["use"] = "sig".into();
    public
}

/// Signs as a header's `alg` would have it.
fn signature(algorithm: &str, message: &[u8]) -> Vec<u8> {
    let random = SystemRandom::new();
    let rsa = |encoding: &'static dyn RsaEncoding| {
        let key = RsaKeyPair::from_pkcs8(RSA).unwrap();
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(encoding, &random, message, &mut signature)
            .unwrap();
        signature
    };
    match algorithm {
        "RS256" => rsa(&RSA_PKCS1_SHA256),
        "PS384" => rsa(&RSA_PSS_SHA384),
        "ES256" => {
            let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, EC).unwrap();
            key.sign(&random, message).unwrap().as_ref().to_vec()
        }
        "EdDSA" => {
            let key = Ed25519KeyPair::from_pkcs8(ED25519).unwrap();
            key.sign(message).as_ref().to_vec()
        }
        _ => panic!("{algorithm}"),
    }
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn unsigned(algorithm: &str, id: Option<&str>, claims: &Value) -> String {
    let mut header = json!({ "alg": algorithm, "typ": "JWT" });
    if let Some(id) = id {
        header["kid"] = id.into();
    }
    format!(
        "{}.{}",
        encoded(header.to_string()),
        encoded(claims.to_string())
    )
}

fn token(algorithm: &str, id: Option<&str>, claims: &Value) -> String {
    let unsigned = unsigned(algorithm, id, claims);
    let signature = signature(algorithm, unsigned.as_bytes());
    format!("{unsigned}.{}", encoded(signature))
}

/// Signed with a secret that everybody knows.
fn shared(secret: &[u8], id: &str) -> String {
    let unsigned = unsigned("HS256", Some(id), &claims());
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, unsigned.as_bytes());
    format!("{unsigned}.{}", encoded(tag))
}

/// What a good token says.
fn claims() -> Value {
    json!({
        "iss": "https://login.example.com", "aud": "mediamill", "sub": "ann", "exp": Utc::now().timestamp() + 600,
        "scope": "openid files:read uploads:write",
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

async fn status(service: &Service, token: &str) -> u16 {
    service.get("/v1/files", token).await.0.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_every_kind_of_key_stand_for_their_owner() {
    let all = [
        ("RS256", "rsa"),
        ("PS384", "rsa"),
        ("ES256", "ec"),
        ("EdDSA", "ed25519"),
    ];
    let keys: Vec<_> = all
        .iter()
        .map(|(algorithm, kind)| public(kind, algorithm))
        .collect();
    let issuer = Issuer::start(&json!(keys)).await;
    let service = issuer.service(&[]).await;
    for (algorithm, _) in all {
        let token = token(algorithm, Some(algorithm), &claims());
        let (_, account) = service.get("/v1/account", &token).await;
        assert_eq!(account["owner"], "ann", "{algorithm}: {account}");
        assert_eq!(account["scopes"], json!(["uploads:write", "files:read"]));
        let upload = service.initiate(&token, 5).await;
        let path = format!("/v1/files/{}", upload["file_id"].as_str().unwrap());
        assert_eq!(service.get(&path, &token).await.0, StatusCode::OK);
    }
    assert_eq!(
        issuer.asked.load(Ordering::SeqCst),
        1,
        "keys are fetched once"
    );
    // Keys of the database go on beside them, and reach the same owner's files.
    let own = service.key("ann", &[Scope::FilesRead]).await;
    let (_, files) = service.get("/v1/files", &own).await;
    assert_eq!(files["items"].as_array().unwrap().len(), all.len());
    // Lesser scopes are lesser.
    let lesser = token(
        "RS256",
        Some("RS256"),
        &with("scope", json!(["files:read"])),
    );
    let (status, _) = service.post("/v1/uploads", &lesser, &json!({})).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

/// With keys of every kind, and some that are of none.
async fn picky() -> (Issuer, Service) {
    let mut for_encryption = public("rsa", "enc");
    for_encryption["use"] = "enc".into();
    let secret = json!({ "kty": "oct", "kid": "shared", "k": encoded(b"a secret of everybody"), "alg": "HS256" });
    let strange = json!({ "kty": "new", "kid": "strange" });
    let mut pinned = public("rsa", "pinned");
    pinned["alg"] = "RS512".into();
    let keys = json!([
        public("ec", "one"),
        for_encryption,
        secret,
        strange,
        pinned,
        7
    ]);
    let issuer = Issuer::start(&keys).await;
    let service = issuer.service(&[]).await;
    (issuer, service)
}

fn signed(claims: &Value) -> String {
    token("ES256", Some("one"), claims)
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_for_others_or_for_another_time_are_refused() {
    let (_issuer, service) = picky().await;
    let now = Utc::now().timestamp();
    for (name, value) in [
        ("exp", json!(now - 31)),
        ("exp", json!(0)),
        ("exp", json!(-1)),
        ("exp", Value::Null),
        ("exp", json!("9999999999")),
        ("nbf", json!(now + 100)),
        ("nbf", json!("0")),
        ("iss", json!("https://evil.example.com")),
        ("iss", json!(["https://login.example.com"])),
        ("iss", Value::Null),
        ("aud", json!("others")),
        ("aud", json!(["others", "more"])),
        ("aud", json!([])),
        ("aud", Value::Null),
        ("sub", Value::Null),
        ("sub", json!("a b")),
        ("sub", json!("x".repeat(65))),
        ("sub", json!(7)),
    ] {
        let refused = status(&service, &signed(&with(name, value.clone()))).await;
        assert_eq!(refused, 401, "{name}: {value}");
    }
    // Clocks may be a little apart, and one of several audiences may be ours.
    for (name, value) in [
        ("exp", json!(now - 5)),
        ("exp", json!(1e15)),
        ("nbf", json!(now + 5)),
        ("aud", json!(["others", "mediamill"])),
    ] {
        assert_eq!(
            status(&service, &signed(&with(name, value))).await,
            200,
            "{name}"
        );
    }
    // Who has no scope of ours is known, and may nothing.
    assert_eq!(
        status(&service, &signed(&with("scope", json!("openid")))).await,
        403
    );
    assert_eq!(
        status(&service, &signed(&with("scope", json!({})))).await,
        403
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_signed_otherwise_are_refused() {
    let started = Instant::now();
    let (issuer, service) = picky().await;
    for (what, token) in [
        ("an unknown key", token("ES256", Some("two"), &claims())),
        ("no key id, several keys", token("ES256", None, &claims())),
        (
            "a key for encryption",
            token("RS256", Some("enc"), &claims()),
        ),
        (
            "another algorithm than the key's",
            token("RS256", Some("pinned"), &claims()),
        ),
        ("another key's id", token("RS256", Some("one"), &claims())),
        ("another kind's id", token("EdDSA", Some("one"), &claims())),
        // Algorithm confusion: what is public, as a secret.
        (
            "a published secret",
            shared(b"a secret of everybody", "shared"),
        ),
        (
            "a public key as a secret",
            shared(public("ec", "one").to_string().as_bytes(), "one"),
        ),
        (
            "a modulus as a secret",
            shared(
                public("rsa", "pinned")["n"].as_str().unwrap().as_bytes(),
                "pinned",
            ),
        ),
    ] {
        assert_eq!(status(&service, &token).await, 401, "{what}");
    }
    // Every ten seconds at most, however many unknown keys are named.
    let most = 2 + started.elapsed().as_secs() / 10;
    let asked = issuer.asked.load(Ordering::SeqCst) as u64;
    assert!(asked <= most, "{asked} within {:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_were_changed_are_refused() {
    let (_issuer, service) = picky().await;
    let good = signed(&claims());
    assert_eq!(status(&service, &good).await, 200);
    let parts: Vec<&str> = good.split('.').collect();
    let (header, said, signature) = (parts[0], parts[1], parts[2]);
    let bob = unsigned("ES256", Some("one"), &with("sub", json!("bob")));
    let none = unsigned("none", Some("one"), &claims());
    let critical =
        encoded(json!({ "alg": "ES256", "kid": "one", "crit": ["b64"], "b64": false }).to_string());
    let twice = encoded(r#"{"alg":"ES256","kid":"one","alg":"none"}"#);
    for (what, token) in [
        ("alg none", format!("{none}.")),
        ("alg none with a signature", format!("{none}.{signature}")),
        ("no signature", format!("{header}.{said}.")),
        (
            "another signature",
            format!("{header}.{said}.{}", encoded([0; 64])),
        ),
        (
            "a signature in another spelling",
            format!("{header}.{said}.{signature}="),
        ),
        ("another's claims", format!("{bob}.{signature}")),
        (
            "what must be understood",
            format!("{critical}.{said}.{signature}"),
        ),
        (
            "a header with a name twice",
            format!("{twice}.{said}.{signature}"),
        ),
        ("nothing", "..".to_owned()),
        ("nonsense", "a.b.c".to_owned()),
        ("too much", format!("{}.b.c", "a".repeat(9000))),
    ] {
        assert_eq!(status(&service, &token).await, 401, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_kept_while_their_source_is_away_and_new_ones_are_found() {
    let (old_public, new_public) = (public("ec", "old"), public("ed25519", "new"));
    let issuer = Issuer::start(&json!([old_public])).await;
    let away = "HTTP/1.1 503 Away\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned();
    let endless = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}",
        "[".repeat(1_000_000)
    );
    let service = issuer.service(&[]).await;
    let old = token("ES256", Some("old"), &claims());
    let new = token("EdDSA", Some("new"), &claims());
    *issuer.answer.lock().await = away.clone();
    assert_eq!(status(&service, &old).await, 503, "nothing is known yet");
    *issuer.answer.lock().await = ok(&json!([old_public]));
    until(async || status(&service, &old).await == 200).await;
    for answer in [away, endless] {
        *issuer.answer.lock().await = answer;
        assert_eq!(status(&service, &old).await, 200);
        assert_eq!(status(&service, &new).await, 401);
    }
    *issuer.answer.lock().await = ok(&json!([new_public]));
    until(async || status(&service, &new).await == 200).await;
    assert_eq!(
        status(&service, &old).await,
        401,
        "its issuer has taken it back"
    );
}

/// Keys are fetched every ten seconds at most.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..150 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the new keys were not found within 30 seconds")
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_can_be_given_and_claims_be_named() {
    let mut only = public("rsa", "any");
    only.as_object_mut().unwrap().remove("kid");
    let service = Service::start_with(&[
        ("MEDIAMILL_JWT_JWKS", &json!({ "keys": [only] }).to_string()),
        ("MEDIAMILL_JWT_ISSUER", "https://login.example.com"),
        ("MEDIAMILL_JWT_AUDIENCE", "mediamill"),
        ("MEDIAMILL_JWT_OWNER_CLAIM", "tenant"),
        ("MEDIAMILL_JWT_SCOPE_CLAIM", "permissions"),
        ("MEDIAMILL_WRONG_KEYS_PER_MINUTE", "0"),
    ])
    .await;
    let mut said = with("tenant", json!("acme"));
    said["permissions"] = json!(["admin"]);
    let good = token("RS256", None, &said);
    let (_, account) = service.get("/v1/account", &good).await;
    assert_eq!(account["owner"], "acme", "{account}");
    // A key without a name is the one that is meant.
    assert_eq!(
        status(&service, &token("RS256", Some("any"), &said)).await,
        200
    );
    for token in [token("RS256", None, &claims()), token("ES256", None, &said)] {
        assert_eq!(status(&service, &token).await, 401);
    }
    // Who did it is in the audit.
    let made = json!({ "quota": {}, "reason": "because" });
    let (status, _) = service
        .post("/v1/admin/owners/acme/quota", &good, &made)
        .await;
    assert_eq!(status, StatusCode::OK);
    let (_, audit) = service.get("/v1/admin/audit", &good).await;
    assert_eq!(audit["items"][0]["actor"], "token of ann for acme");
}
