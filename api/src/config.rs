//! Settings of the HTTP interface, read and checked at start.

use std::net::SocketAddr;
use std::time::Duration;

use chrono::TimeDelta;
use media::limits::Limits;
use media::owners::DefaultQuota;
use media::type_rules::TypeRules;
use poem::http::HeaderValue;
use settings::Reader;

use crate::http::jwt::JwtConfig;

/// Connections at a time, where nothing else is set.
pub const DEFAULT_MAX_CONNECTIONS: usize = 1024;

/// Requests of one owner in a second, where nothing else is set.
pub const DEFAULT_REQUESTS_PER_SECOND: u32 = 500;

/// Wrong API keys from one address in a minute, where nothing else is set.
pub const DEFAULT_WRONG_KEYS_PER_MINUTE: u32 = 60;

/// Settings of the HTTP interface.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Public address of the CDN, or of the built-in edge, without a slash at the end.
    pub cdn_base_url: String,
    /// Address of this interface as browsers reach it, without a slash at the end, if it is known.
    pub public_url: Option<String>,
    /// How long a signed URL lives. Never beyond the upload itself.
    pub url_lifetime: TimeDelta,
    /// How long a client has to finish an upload.
    pub upload_lifetime: TimeDelta,
    /// How long the making of an answer may take.
    pub deadline: Duration,
    /// Connections at a time; fewer if the process may not open twice as many files.
    pub max_connections: usize,
    /// What an owner may have, where nothing else is set for them.
    pub quota: DefaultQuota,
    /// Requests of one owner in a second, over some time; twice as many may come at once. 0: no limit.
    pub requests_per_second: u32,
    /// Wrong API keys from one address in a minute. 0: no limit.
    pub wrong_keys_per_minute: u32,
    /// What is too large.
    pub limits: Limits,
    /// Whose JWT bearer tokens are taken; `None` is nobody's.
    pub jwt: Option<JwtConfig>,
    /// Which types are taken.
    pub types: TypeRules,
    /// Origins of other sites whose pages may call this API, such as `https://app.example.com`.
    pub allowed_origins: Vec<HeaderValue>,
    /// Origins that the upload page may send bytes to, as sources of a content security policy.
    pub storage_origins: String,
}

impl ApiConfig {
    /// Reads `MEDIAMILL_URL_LIFETIME_SECONDS` and `MEDIAMILL_UPLOAD_LIFETIME_SECONDS`: of signed addresses and of open
    /// uploads.
    pub fn lifetimes(reader: &mut Reader) -> (TimeDelta, TimeDelta) {
        const HOUR: u64 = 3600;
        let mut seconds = |name, most, default| {
            let seconds = reader.number_or(name, 60..=most, default);
            TimeDelta::seconds(seconds.cast_signed())
        };
        // A signature lives for 7 days at most (SigV4).
        let url_lifetime = seconds("MEDIAMILL_URL_LIFETIME_SECONDS", 7 * 24 * HOUR, HOUR);
        let upload_lifetime = seconds(
            "MEDIAMILL_UPLOAD_LIFETIME_SECONDS",
            30 * 24 * HOUR,
            24 * HOUR,
        );
        (url_lifetime, upload_lifetime)
    }

    /// Reads `MEDIAMILL_LISTEN`, `_CDN_BASE_URL`, `_PUBLIC_URL`, `_URL_LIFETIME_SECONDS`, `_UPLOAD_LIFETIME_SECONDS`,
    /// `_REQUEST_SECONDS`, `_MAX_CONNECTIONS`, `_REQUESTS_PER_SECOND`, `_WRONG_KEYS_PER_MINUTE`,
    /// `_ALLOWED_ORIGINS` (separated by commas), the S3 endpoints, the limits, the quota of
    /// an owner, the rules for types and the issuer of tokens.
    pub fn from_env(reader: &mut Reader) -> Self {
        let (url_lifetime, upload_lifetime) = Self::lifetimes(reader);
        Self {
            listen: reader.parsed_or("MEDIAMILL_LISTEN", SocketAddr::from(([127, 0, 0, 1], 8080))),
            cdn_base_url: reader.base_url("MEDIAMILL_CDN_BASE_URL", "https://media.example.com"),
            public_url: reader.optional_base_url("MEDIAMILL_PUBLIC_URL", "https://api.example.com"),
            url_lifetime,
            upload_lifetime,
            deadline: Duration::from_secs(reader.number_or(
                "MEDIAMILL_REQUEST_SECONDS",
                1..=300,
                15,
            )),
            max_connections: usize::try_from(reader.number_or(
                "MEDIAMILL_MAX_CONNECTIONS",
                1..=1_000_000,
                DEFAULT_MAX_CONNECTIONS as u64,
            ))
            .unwrap_or(DEFAULT_MAX_CONNECTIONS),
            quota: DefaultQuota::from_env(reader),
            requests_per_second: count(
                reader,
                "MEDIAMILL_REQUESTS_PER_SECOND",
                0,
                DEFAULT_REQUESTS_PER_SECOND,
            ),
            wrong_keys_per_minute: count(
                reader,
                "MEDIAMILL_WRONG_KEYS_PER_MINUTE",
                0,
                DEFAULT_WRONG_KEYS_PER_MINUTE,
            ),
            limits: Limits::from_env(reader),
            jwt: JwtConfig::from_env(reader),
            types: TypeRules::from_env(reader),
            allowed_origins: allowed_origins(reader),
            storage_origins: storage_origins(reader),
        }
    }
}

/// A number of at most a million.
fn count(reader: &mut Reader, name: &str, least: u64, default: u32) -> u32 {
    let number = reader.number_or(name, least..=1_000_000, default.into());
    u32::try_from(number).unwrap_or(default)
}

fn allowed_origins(reader: &mut Reader) -> Vec<HeaderValue> {
    const NAME: &str = "MEDIAMILL_ALLOWED_ORIGINS";
    let list = reader.optional(NAME).unwrap_or_default();
    let mut origins = Vec::new();
    for origin in list
        .split(',')
        .map(str::trim)
        .filter(|origin| !origin.is_empty())
    {
        match parse_origin(origin) {
            Ok(origin) => origins.push(origin),
            Err(mistake) => {
                let example = "https://app.example.com,https://admin.example.com";
                reader.mistake(NAME, mistake, example);
            }
        }
    }
    origins
}

/// Reads an origin as browsers write it (RFC 6454 §6.2): scheme, host and port only.
pub fn parse_origin(origin: &str) -> Result<HeaderValue, &'static str> {
    let host = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    let plain = host.is_some_and(|host| {
        !host.is_empty()
            && host
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"/*?#@".contains(&b))
    });
    let value = HeaderValue::from_str(origin).ok().filter(|_| plain);
    value.ok_or("must be an origin: scheme, host and port only")
}

/// The store is addressed by path or by bucket name in the host; the policy allows both.
fn storage_origins(reader: &Reader) -> String {
    let endpoint = reader
        .optional("MEDIAMILL_S3_PUBLIC_ENDPOINT")
        .or_else(|| reader.optional("MEDIAMILL_S3_ENDPOINT"));
    let Some((scheme, rest)) = endpoint.as_deref().and_then(|url| url.split_once("://")) else {
        return "https://*.amazonaws.com".into();
    };
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.starts_with(|c: char| c.is_ascii_digit() || c == '[') {
        format!("{scheme}://{authority}")
    } else {
        format!("{scheme}://{authority} {scheme}://*.{authority}")
    }
}
