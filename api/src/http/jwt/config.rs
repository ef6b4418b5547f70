//! Settings of JWT bearer tokens.

use settings::Reader;

use super::keys;

const JWKS_URL: &str = "MEDIAMILL_JWT_JWKS_URL";
const JWKS: &str = "MEDIAMILL_JWT_JWKS";
const ISSUER: &str = "MEDIAMILL_JWT_ISSUER";
const AUDIENCE: &str = "MEDIAMILL_JWT_AUDIENCE";

/// Whose tokens are taken, and what in them counts.
#[derive(Debug, Clone, PartialEq)]
pub struct JwtConfig {
    /// Where the keys are.
    pub keys: KeySource,
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must have.
    pub audience: String,
    /// The claim with the owner whose files the token reaches.
    pub owner_claim: String,
    /// The claim with the scopes.
    pub scope_claim: String,
    /// How far clocks may be apart.
    pub leeway_seconds: f64,
}

/// Where an issuer's keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// At this address (RFC 7517 §5).
    Url(String),
    /// A JWK set, as text.
    Text(String),
}

impl JwtConfig {
    /// Reads `MEDIAMILL_JWT_JWKS_URL` or `MEDIAMILL_JWT_JWKS`, and then `_ISSUER`, `_AUDIENCE`, `_OWNER_CLAIM`,
    /// `_SCOPE_CLAIM` and `_LEEWAY_SECONDS`. Without one of the first two no tokens are taken.
    pub fn from_env(reader: &mut Reader) -> Option<Self> {
        let (url, text) = (reader.optional(JWKS_URL), reader.optional(JWKS));
        let (issuer, audience) = (reader.optional(ISSUER), reader.optional(AUDIENCE));
        let owner_claim = reader.text_or("MEDIAMILL_JWT_OWNER_CLAIM", "sub");
        let scope_claim = reader.text_or("MEDIAMILL_JWT_SCOPE_CLAIM", "scope");
        let leeway_seconds = reader.number_or("MEDIAMILL_JWT_LEEWAY_SECONDS", 0..=300, 30);
        let leeway_seconds = u32::try_from(leeway_seconds).unwrap_or(30).into();
        let keys = match (url, text) {
            (None, None) => {
                for (name, set) in [(ISSUER, issuer), (AUDIENCE, audience)] {
                    if set.is_some() {
                        let problem = format!("does nothing without {JWKS_URL} or {JWKS}");
                        reader.mistake(name, problem, "unset");
                    }
                }
                return None;
            }
            (Some(url), None) => KeySource::Url(checked(reader, url)),
            (None, Some(text)) => {
                if keys::of_set(text.as_bytes()).is_err() {
                    let problem = "must be a JWK set with a public key of RSA, EC or Ed25519";
                    reader.mistake(JWKS, problem, "{\"keys\":[…]}");
                }
                KeySource::Text(text)
            }
            (Some(url), Some(_)) => {
                reader.mistake(JWKS, format!("is there beside {JWKS_URL}"), "unset");
                KeySource::Url(url)
            }
        };
        let mut needed = |name, value: Option<String>, example: &str| {
            value.unwrap_or_else(|| reader.required(name, example))
        };
        Some(Self {
            keys,
            issuer: needed(ISSUER, issuer, "https://login.example.com"),
            audience: needed(AUDIENCE, audience, "mediamill"),
            owner_claim,
            scope_claim,
            leeway_seconds,
        })
    }
}

/// Whoever can change what comes from there can make tokens.
fn checked(reader: &mut Reader, url: String) -> String {
    let host = |url: &str| {
        let rest = url.strip_prefix("http://")?;
        let host = rest.split(['/', ':']).next()?;
        Some(host.to_owned())
    };
    let near = host(&url).is_some_and(|host| ["127.0.0.1", "localhost"].contains(&&*host));
    let plain = url.bytes().all(|byte| byte.is_ascii_graphic());
    if !plain || !near && !url.starts_with("https://") {
        let example = "https://login.example.com/.well-known/jwks.json";
        reader.mistake(JWKS_URL, "must be an https:// address", example);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Option<JwtConfig>, Vec<String>> {
        let settings = settings.iter();
        let mut reader =
            Reader::new(settings.map(|(name, value)| ((*name).into(), (*value).into())));
        let config = JwtConfig::from_env(&mut reader);
        let finished = reader.finish().map_err(|report| {
            let names = report.mistakes.into_iter().map(|mistake| mistake.name);
            names.collect()
        });
        finished.map(|()| config)
    }

    #[test]
    fn tokens_are_taken_where_all_is_said_that_they_are_checked_for() {
        assert_eq!(read(&[]), Ok(None));
        let both = [(ISSUER, "https://i"), (AUDIENCE, "a")];
        let with = |one: (&'static str, &'static str)| read(&[both[0], both[1], one]);
        let config = with((JWKS_URL, "https://i/keys")).unwrap().unwrap();
        assert_eq!(
            (&*config.owner_claim, &*config.scope_claim),
            ("sub", "scope")
        );
        assert!(with((JWKS_URL, "http://127.0.0.1:8/keys")).is_ok());
        for url in [
            "http://i/keys",
            "file:///keys",
            "http://localhost.evil/keys",
            "https://i/ keys",
        ] {
            assert_eq!(
                with((JWKS_URL, url)),
                Err(vec![JWKS_URL.to_owned()]),
                "{url}"
            );
        }
        for text in [
            "secret",
            "{}",
            "{\"keys\":[]}",
            "{\"keys\":[{\"kty\":\"oct\",\"k\":\"YQ\"}]}",
        ] {
            assert_eq!(with((JWKS, text)), Err(vec![JWKS.to_owned()]), "{text}");
        }
        let alone = read(&[(JWKS_URL, "https://i/keys")]);
        assert_eq!(alone, Err(vec![ISSUER.to_owned(), AUDIENCE.to_owned()]));
        assert_eq!(read(&[(ISSUER, "https://i")]), Err(vec![ISSUER.to_owned()]));
    }
}
