//! Who is asking, and whether they may. A handler that takes a [`Caller`] cannot run without either.
//!
//! The key is hashed and looked up; nothing is compared byte by byte, and nothing is logged but the key's id.

use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;

use media::OwnerId;
use media::api_keys::{self, ApiKey, Principal, Scope};
use poem::http::header;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use crate::ApiState;
use crate::http::problem::{Code, Problem};
use crate::http::rates::Rates;

/// Longest text looked at as a key.
const MAX_KEY_CHARS: usize = 256;

/// The scope an operation needs.
pub trait Needs: Send + Sync + 'static {
    /// The scope.
    const SCOPE: Scope;
}

/// Needs `uploads:write`.
#[derive(Debug)]
pub struct UploadsWrite;

impl Needs for UploadsWrite {
    const SCOPE: Scope = Scope::UploadsWrite;
}

/// Needs `files:read`.
#[derive(Debug)]
pub struct FilesRead;

impl Needs for FilesRead {
    const SCOPE: Scope = Scope::FilesRead;
}

/// Needs `admin`.
#[derive(Debug)]
pub struct Admin;

impl Needs for Admin {
    const SCOPE: Scope = Scope::Admin;
}

/// Somebody with a valid key that holds the scope `N` needs.
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
        let Principal {
            api_key_id,
            owner_id,
            ..
        } = &self.principal;
        format!("key {api_key_id} of {owner_id}")
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
        let bearer = "An API key: `Authorization: Bearer mm_…`.";
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
        tracing::Span::current()
            .record(
                "media.owner_id",
                tracing::field::display(&principal.owner_id),
            )
            .record(
                "media.api_key_id",
                tracing::field::display(principal.api_key_id),
            );
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
    let key = presented(request)
        .ok_or_else(|| refused("send an API key as Authorization: Bearer mm_… or as X-API-Key"))?;
    let address = request.remote_addr().as_socket_addr().map(SocketAddr::ip);
    rates.may_try(address, &key.hash())?;
    let mut connection = media::pool::borrow(&state.pool).await?;
    let principal = api_keys::find(&mut connection, &key).await?;
    rates.tried(address, &key.hash(), principal.is_some());
    principal.ok_or_else(|| refused("the API key is unknown or revoked"))
}

/// `Authorization: Bearer` (RFC 6750 §2.1; the scheme's case does not matter) or `X-API-Key`.
fn presented(request: &Request) -> Option<ApiKey> {
    let bearer = request.header(header::AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
    });
    let key = bearer.or_else(|| request.header("x-api-key"))?;
    (1..=MAX_KEY_CHARS)
        .contains(&key.len())
        .then(|| ApiKey::presented(key))
}
