//! Who is asking, and whether they may. A handler that takes a [`Caller`] cannot run without either.
//!
//! A key is hashed and looked up; nothing is compared byte by byte, and nothing is logged but the key's id. A JWT is
//! verified with the keys of its issuer.

use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;

use media::api_keys::{self, ApiKey, Scope};
use media::{OwnerId, Sha256};
use poem::http::header;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use uuid::Uuid;

use crate::ApiState;
use crate::http::jwt::{self, Bearer, Issuer};
use crate::http::problem::{Code, Problem};
use crate::http::rates::Rates;

/// Longest text looked at as a key.
const MAX_KEY_CHARS: usize = 256;

/// The scope an operation needs.
pub trait Needs: Send + Sync + 'static {
    /// The scope that a key must have.
    const SCOPE: Scope;
}

/// Operations that need a key of the scope `uploads:write`.
#[derive(Debug)]
pub struct UploadsWrite;

impl Needs for UploadsWrite {
    const SCOPE: Scope = Scope::UploadsWrite;
}

/// Operations that need a key of the scope `files:read`.
#[derive(Debug)]
pub struct FilesRead;

impl Needs for FilesRead {
    const SCOPE: Scope = Scope::FilesRead;
}

/// Operations that need a key of the scope `admin`.
#[derive(Debug)]
pub struct Admin;

impl Needs for Admin {
    const SCOPE: Scope = Scope::Admin;
}

/// By what somebody is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// By an API key.
    Key(Uuid),
    /// By a JWT of this subject.
    Token(String),
}

/// Who asks, and what they may.
#[derive(Debug)]
pub struct Principal {
    /// By what they are known.
    pub identity: Identity,
    /// Whose files they reach.
    pub owner_id: OwnerId,
    scopes: Vec<Scope>,
}

impl Principal {
    /// Whether the key or token allows it. `admin` allows everything.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }
}

impl From<api_keys::Principal> for Principal {
    fn from(key: api_keys::Principal) -> Self {
        Self {
            identity: Identity::Key(key.api_key_id),
            owner_id: key.owner_id,
            scopes: key.scopes,
        }
    }
}

impl From<Bearer> for Principal {
    fn from(token: Bearer) -> Self {
        Self {
            identity: Identity::Token(token.subject),
            owner_id: token.owner_id,
            scopes: token.scopes,
        }
    }
}

/// Somebody with a valid key or token that holds the scope `N` needs.
#[derive(Debug)]
pub struct Caller<N> {
    /// Who it is.
    pub principal: Principal,
    needs: PhantomData<N>,
}

impl<N> Caller<N> {
    /// Whose files they reach.
    pub fn owner_id(&self) -> &OwnerId {
        &self.principal.owner_id
    }

    /// Who acts, as the audit keeps it.
    pub fn actor(&self) -> String {
        let owner_id = &self.principal.owner_id;
        match &self.principal.identity {
            Identity::Key(id) => format!("key {id} of {owner_id}"),
            Identity::Token(subject) => format!("token of {subject} for {owner_id}"),
        }
    }
}

impl<'a, N: Needs> ApiExtractor<'a> for Caller<N> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        let scheme = |ty, description, name, key_in, scheme| MetaSecurityScheme {
            ty,
            description: Some(description),
            name,
            key_in,
            scheme,
            bearer_format: None,
            flows: None,
            openid_connect_url: None,
        };
        let bearer = "An API key, `Authorization: Bearer mm_…`; or a JWT, where the service takes those of an issuer.";
        registry
            .create_security_scheme("bearer", scheme("http", bearer, None, None, Some("bearer")));
        let header = "The same API key in a header of its own.";
        registry.create_security_scheme(
            "apiKey",
            scheme("apiKey", header, Some("X-API-Key"), Some("header"), None),
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        vec!["bearer", "apiKey"]
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        Ok(Self::of(request).await?)
    }
}

impl<N: Needs> Caller<N> {
    /// Who is asking. An error says why they may not.
    pub async fn of(request: &Request) -> Result<Self, Problem> {
        let state = request
            .data::<ApiState>()
            .ok_or_else(|| Problem::internal("no state"))?;
        let rates = request.data::<Arc<Rates>>();
        let rates = rates.ok_or_else(|| Problem::internal("no rates"))?;
        let principal = authenticate(request, state, rates).await?;
        let span = tracing::Span::current();
        let owner_id = &principal.owner_id;
        span.record("media.owner_id", tracing::field::display(owner_id));
        if let Identity::Key(id) = principal.identity {
            span.record("media.api_key_id", tracing::field::display(id));
        }
        // Operators are not kept out by what their own programs ask for.
        if N::SCOPE != Scope::Admin {
            rates.request(&principal.owner_id)?;
        }
        if !principal.may(N::SCOPE) {
            let detail = format!("the API key lacks the scope {}", N::SCOPE);
            return Err(Problem::new(Code::ScopeMissing, detail));
        }
        Ok(Self {
            principal,
            needs: PhantomData,
        })
    }
}

async fn authenticate(
    request: &Request,
    state: &ApiState,
    rates: &Rates,
) -> Result<Principal, Problem> {
    let refused = |detail: &str| Problem::new(Code::Unauthenticated, detail);
    let text = presented(request)
        .ok_or_else(|| refused("send an API key as Authorization: Bearer mm_… or as X-API-Key"))?;
    let (hash, address) = (
        Sha256::of(text.as_bytes()),
        request.remote_addr().as_socket_addr().map(SocketAddr::ip),
    );
    rates.may_try(address, &hash)?;
    let issuer = request
        .data::<Option<Arc<Issuer>>>()
        .and_then(Option::as_ref);
    if let Some(issuer) = issuer.filter(|_| jwt::looks_like_one(text)) {
        let bearer = issuer.verify(text, state.now()).await;
        // That its keys cannot be fetched says nothing about a token.
        if !matches!(&bearer, Err(problem) if problem.code() != Code::Unauthenticated) {
            rates.tried(address, &hash, bearer.is_ok());
        }
        return Ok(bearer?.into());
    }
    let mut connection = media::pool::borrow(&state.pool).await?;
    let principal = api_keys::find(&mut connection, &ApiKey::presented(text)).await?;
    rates.tried(address, &hash, principal.is_some());
    let principal = principal.ok_or_else(|| refused("the API key is unknown or revoked"))?;
    Ok(principal.into())
}

/// `Authorization: Bearer` (RFC 6750 §2.1; the scheme's case does not matter) or `X-API-Key`.
fn presented(request: &Request) -> Option<&str> {
    let bearer = request.header(header::AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
    });
    let key = bearer.or_else(|| request.header("x-api-key"))?;
    let most = if jwt::looks_like_one(key) {
        jwt::MAX_CHARS
    } else {
        MAX_KEY_CHARS
    };
    (1..=most).contains(&key.len()).then_some(key)
}
