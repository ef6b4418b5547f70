//! The keys by which an issuer's tokens are verified.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{
    self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::KeySource;
use super::jws::decoded;

/// How long fetched keys are believed to be all that there are.
const FRESH: Duration = Duration::from_mins(5);
/// Least time between two fetches. An unknown key makes one happen, and anybody can name unknown keys.
const BETWEEN: Duration = Duration::from_secs(10);
/// Most time of a fetch.
const FETCH: Duration = Duration::from_secs(5);
/// Most bytes of what is fetched.
const MAX_BYTES: usize = 256 * 1024;
/// Most keys of it.
const MAX_KEYS: usize = 100;

/// A public key. What it can have signed follows from its kind.
#[derive(Debug)]
pub struct Key {
    id: Option<String>,
    /// The only algorithm that it is for, if its issuer says so.
    only: Option<String>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// As it is published (RFC 7517, RFC 7518 §6, RFC 8037 §2).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Key {
    /// `None` for a key that is for something else, or of a kind that is not taken. Whoever can verify with a shared secret
    /// can sign with it, too: those are not.
    fn of_jwk(jwk: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(jwk).ok()?;
        if jwk.purpose.is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let bytes = |field: &Option<String>| decoded(field.as_deref()?);
        let kind = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => Kind::Rsa(RsaPublicKeyComponents {
                n: bytes(&jwk.n)?,
                e: bytes(&jwk.e)?,
            }),
            // Uncompressed (SEC 1 §2.3.3).
            ("EC", Some("P-256")) => Kind::P256([vec![4], bytes(&jwk.x)?, bytes(&jwk.y)?].concat()),
            ("EC", Some("P-384")) => Kind::P384([vec![4], bytes(&jwk.x)?, bytes(&jwk.y)?].concat()),
            ("OKP", Some("Ed25519")) => Kind::Ed25519(bytes(&jwk.x)?),
            _ => return None,
        };
        Some(Self {
            id: jwk.kid,
            only: jwk.alg,
            kind,
        })
    }

    /// Whether this key made the signature of the message, in the way that a token names (RFC 7518 §3.1, RFC 9864).
    pub fn has_signed(&self, algorithm: &str, message: &[u8], by: &[u8]) -> bool {
        if self.only.as_deref().is_some_and(|only| only != algorithm) {
            return false;
        }
        let rsa = |key: &RsaPublicKeyComponents<Vec<u8>>, with: &'static RsaParameters| {
            key.verify(with, message, by).is_ok()
        };
        let plain = |with: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(with, key)
                .verify(message, by)
                .is_ok()
        };
        match (&self.kind, algorithm) {
            (Kind::Rsa(key), "RS256") => rsa(key, &signature::RSA_PKCS1_2048_8192_SHA256),
            (Kind::Rsa(key), "RS384") => rsa(key, &signature::RSA_PKCS1_2048_8192_SHA384),
            (Kind::Rsa(key), "RS512") => rsa(key, &signature::RSA_PKCS1_2048_8192_SHA512),
            (Kind::Rsa(key), "PS256") => rsa(key, &signature::RSA_PSS_2048_8192_SHA256),
            (Kind::Rsa(key), "PS384") => rsa(key, &signature::RSA_PSS_2048_8192_SHA384),
            (Kind::Rsa(key), "PS512") => rsa(key, &signature::RSA_PSS_2048_8192_SHA512),
            (Kind::P256(key), "ES256") => plain(&signature::ECDSA_P256_SHA256_FIXED, key),
            (Kind::P384(key), "ES384") => plain(&signature::ECDSA_P384_SHA384_FIXED, key),
            (Kind::Ed25519(key), "EdDSA" | "Ed25519") => plain(&signature::ED25519, key),
            _ => false,
        }
    }
}

/// There is no key.
#[derive(Debug, PartialEq, Eq)]
pub enum Missing {
    /// Its issuer does not have it.
    Unknown,
    /// Its issuer cannot be asked, and could not be since this process began.
    Away,
}

/// The keys of an issuer.
#[derive(Debug)]
pub enum Keys {
    /// Those that are given.
    Given(Held),
    /// Those that its issuer publishes.
    Fetched(Arc<Fetched>),
}

impl Keys {
    pub fn new(source: &KeySource) -> Self {
        match source {
            KeySource::Text(text) => Self::Given(Held {
                // None at all would have been a mistake in the settings.
                keys: of_set(text.as_bytes()).unwrap_or_default(),
                ..Held::default()
            }),
            KeySource::Url(url) => Self::Fetched(Arc::new(Fetched::new(url.clone()))),
        }
    }

    /// The key of this id.
    pub async fn find(&self, id: Option<&str>) -> Result<Arc<Key>, Missing> {
        match self {
            Self::Given(held) => held.find(id).ok_or(Missing::Unknown),
            Self::Fetched(fetched) => fetched.find(id).await,
        }
    }
}

/// The keys of a JWK set that can be used; one at least.
pub fn of_set(text: &[u8]) -> Result<Vec<Arc<Key>>, FetchError> {
    let set: JwkSet = serde_json::from_slice(text)?;
    let count = set.keys.len();
    let keys = set.keys.into_iter().take(MAX_KEYS);
    let keys: Vec<_> = keys.filter_map(Key::of_jwk).map(Arc::new).collect();
    if keys.is_empty() {
        return Err(FetchError::NoKeys(count));
    }
    Ok(keys)
}

/// Keys that are fetched now and then, and kept while their source is away.
#[derive(Debug)]
pub struct Fetched {
    url: String,
    held: RwLock<Held>,
    /// One fetch at a time.
    fetching: Mutex<()>,
}

/// Keys, and how old they are.
#[derive(Debug, Default)]
pub struct Held {
    keys: Vec<Arc<Key>>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
}

impl Held {
    fn find(&self, id: Option<&str>) -> Option<Arc<Key>> {
        let of_this_id = |key: &&Arc<Key>| id.is_some() && key.id.as_deref() == id;
        // A token that names no key, and a key without a name, can only mean the only one.
        let only = self.keys.first().filter(|_| self.keys.len() == 1);
        let only = only.filter(|key| id.is_none() || key.id.is_none());
        self.keys.iter().find(of_this_id).or(only).cloned()
    }
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Value>,
}

/// Keys could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("its issuer cannot be asked")]
    Http(#[from] reqwest::Error),
    #[error("the answer is larger than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("the answer is no JWK set")]
    Json(#[from] serde_json::Error),
    #[error("none of the {0} keys in it can be used")]
    NoKeys(usize),
}

impl Fetched {
    fn new(url: String) -> Self {
        Self {
            url,
            held: RwLock::default(),
            fetching: Mutex::default(),
        }
    }

    async fn find(self: &Arc<Self>, id: Option<&str>) -> Result<Arc<Key>, Missing> {
        let (known, fresh) = {
            let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
            let fresh = held.fetched.is_some_and(|at| at.elapsed() < FRESH);
            (held.find(id), fresh)
        };
        match known {
            Some(key) if fresh => Ok(key),
            Some(key) => {
                // Nobody waits for it: the key was good a short time ago.
                let this = Arc::clone(self);
                tokio::spawn(async move { this.refresh().await });
                Ok(key)
            }
            None => {
                self.refresh().await;
                let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
                let missing = if held.fetched.is_some() {
                    Missing::Unknown
                } else {
                    Missing::Away
                };
                held.find(id).ok_or(missing)
            }
        }
    }

    /// Fetches the keys, unless that was tried a moment ago.
    async fn refresh(&self) {
        let _alone = self.fetching.lock().await;
        {
            let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
            if held.tried.is_some_and(|at| at.elapsed() < BETWEEN) {
                return;
            }
            held.tried = Some(Instant::now());
        }
        match fetch(&self.url).await {
            Ok(keys) => {
                let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
                tracing::info!(jwt.keys = keys.len(), "fetched the keys of tokens");
                held.keys = keys;
                held.fetched = Some(Instant::now());
            }
            Err(error) => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, source, "cannot fetch the keys of tokens; those that are known are kept");
            }
        }
    }
}

async fn fetch(url: &str) -> Result<Vec<Arc<Key>>, FetchError> {
    let client = reqwest::Client::builder()
        .timeout(FETCH)
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let mut response = client.get(url).send().await?.error_for_status()?;
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > MAX_BYTES {
            return Err(FetchError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    of_set(&bytes)
}
