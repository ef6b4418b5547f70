//! `GET /v1/account`: whose key it is.

use poem_openapi::{ApiResponse, Object, OpenApi};

use crate::http::auth::{Caller, FilesRead};
use crate::http::body::JsonBody;
use crate::http::problem::{Refused, Statuses};
use crate::v1::codes::Scope;
use crate::v1::health::Tag;

/// The operation on the caller itself.
#[derive(Debug, Clone, Copy)]
pub struct AccountApi;

/// Whose key it is.
#[derive(Debug, Object)]
struct Account {
    /// Whose files it reaches.
    owner: String,
    /// What it may do.
    scopes: Vec<Scope>,
}

#[derive(ApiResponse)]
enum Shown {
    /// The owner of the key.
    #[oai(status = 200)]
    Ok(JsonBody<Account>),
}

struct AccountErrors;
impl Statuses for AccountErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 429, 500, 503];
}

#[OpenApi(prefix_path = "/v1/account", tag = "Tag::Service")]
impl AccountApi {
    /// Get the account
    ///
    /// Whose files this key reaches, and what it may do. Needs the scope `files:read`.
    #[oai(path = "/", method = "get", operation_id = "getAccount")]
    #[expect(clippy::unused_async, reason = "the framework's operations are async")]
    async fn get(&self, caller: Caller<FilesRead>) -> Result<Shown, Refused<AccountErrors>> {
        let scopes = media::api_keys::Scope::ALL
            .into_iter()
            .filter(|scope| caller.principal.may(*scope));
        Ok(Shown::Ok(JsonBody(Account {
            owner: caller.owner_id().as_str().to_owned(),
            scopes: scopes.map(Into::into).collect(),
        })))
    }
}
