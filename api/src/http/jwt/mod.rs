//! JWT bearer tokens (RFC 7519, RFC 9068 in spirit) of one issuer, beside our own API keys. What a token may be signed
//! with follows from the key, never from the token; keys that sign and verify alike (HMAC) are not taken.

mod config;
mod jws;
mod keys;

use chrono::{DateTime, Utc};
use media::OwnerId;
use media::api_keys::Scope;
use serde_json::{Map, Value};

pub use self::config::{JwtConfig, KeySource};
use self::jws::Token;
use self::keys::{Keys, Missing};
use crate::http::problem::{Code, Problem};

/// Longest text looked at as a token.
pub const MAX_CHARS: usize = 8192;

/// Verifies the tokens of one issuer.
#[derive(Debug)]
pub struct Issuer {
    config: JwtConfig,
    keys: Keys,
}

/// Who a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// Who it was issued to, for the audit.
    pub subject: String,
    /// Whose files it reaches.
    pub owner_id: OwnerId,
    /// What it allows. Scopes that are not ours allow nothing.
    pub scopes: Vec<Scope>,
}

/// Whether a text could be a token: three parts with dots between. No API key is like this.
pub fn looks_like_one(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'.').count() == 2
}

impl Issuer {
    /// By the settings. Keys are fetched when the first token comes.
    pub fn new(config: JwtConfig) -> Self {
        let keys = Keys::new(&config.keys);
        Self { config, keys }
    }

    /// Who the token stands for, or what is wrong with it.
    pub async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Bearer, Problem> {
        let token = Token::read(token).ok_or_else(|| refused("cannot be read"))?;
        let key = self.keys.find(token.header.kid.as_deref()).await;
        let key = key.map_err(|missing| match missing {
            Missing::Unknown => refused("is signed with a key that its issuer does not have"),
            Missing::Away => Problem::unavailable("the issuer's keys cannot be fetched"),
        })?;
        if !key.has_signed(&token.header.alg, token.message, &token.signature) {
            return Err(refused("is not signed by its issuer"));
        }
        match token.claims() {
            Some(Value::Object(claims)) => {
                self.check(&claims, now)?;
                self.bearer(&claims)
            }
            _ => Err(refused("cannot be read")),
        }
    }

    /// Whether it is for us, and for now (RFC 7519 §4.1).
    fn check(&self, claims: &Map<String, Value>, now: DateTime<Utc>) -> Result<(), Problem> {
        let config = &self.config;
        if claims.get("iss").and_then(Value::as_str) != Some(&config.issuer) {
            return Err(refused("is of another issuer"));
        }
        let ours = |audience: &Value| audience.as_str() == Some(&config.audience);
        let for_us = match claims.get("aud") {
            Some(Value::Array(audiences)) => audiences.iter().any(ours),
            Some(audience) => ours(audience),
            None => false,
        };
        if !for_us {
            return Err(refused("is for another audience"));
        }
        // Seconds, of which there may be fractions.
        let seconds = |name: &str| claims.get(name).map(Value::as_f64);
        let (now, leeway) = (seconds_of(now), config.leeway_seconds);
        match seconds("exp") {
            Some(Some(end)) if now < end + leeway => {}
            Some(Some(_)) => return Err(refused("has expired")),
            _ => return Err(refused("does not say when it expires")),
        }
        match seconds("nbf") {
            Some(Some(begin)) if now + leeway >= begin => Ok(()),
            None => Ok(()),
            Some(_) => Err(refused("is not valid yet")),
        }
    }

    fn bearer(&self, claims: &Map<String, Value>) -> Result<Bearer, Problem> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let owner_id = text(&self.config.owner_claim).map(OwnerId::new);
        let Some(Ok(owner_id)) = owner_id else {
            let detail = "has no owner: 1 to 64 characters of A-Z a-z 0-9 _ . : -";
            return Err(refused(detail));
        };
        let scopes: Vec<&str> = match claims.get(&self.config.scope_claim) {
            // RFC 8693 §4.2, and what others make of it.
            Some(Value::String(scopes)) => scopes.split(' ').collect(),
            Some(Value::Array(scopes)) => scopes.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        Ok(Bearer {
            subject: text("sub")
                .unwrap_or(owner_id.as_str())
                .chars()
                .take(100)
                .collect(),
            owner_id,
            scopes: scopes
                .iter()
                .filter_map(|scope| scope.parse().ok())
                .collect(),
        })
    }
}

fn refused(why: &str) -> Problem {
    Problem::new(Code::Unauthenticated, format!("the token {why}"))
}

#[expect(clippy::cast_precision_loss, reason = "2^53 seconds are far away")]
fn seconds_of(time: DateTime<Utc>) -> f64 {
    time.timestamp() as f64
}
