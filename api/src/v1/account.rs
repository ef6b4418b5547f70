//! `GET /v1/account`: whose key it is, and what they have.

use media::owners;
use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi};

use crate::ApiState;
use crate::contract::Count;
use crate::http::auth::{Caller, FilesRead};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, Refused, Statuses};
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
    /// Files, from the beginning of their uploads until they are refused, given up, cancelled or deleted.
    files: InUse,
    /// Bytes of these files, as they were sent.
    bytes: InUse,
    /// Uploads that are open.
    open_uploads: InUse,
}

/// How much of something there is and may be.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct InUse {
    /// How much there is.
    used: Count,
    /// How much there may be. Absent: there is no limit.
    limit: Option<Count>,
}

impl InUse {
    fn new(used: u64, limit: Option<u64>) -> Self {
        Self {
            used: used.into(),
            limit: limit.map(Into::into),
        }
    }
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
    /// Whose files this key reaches, what it may do, and how much there is and may be. Needs the scope `files:read`.
    #[oai(path = "/", method = "get", operation_id = "getAccount")]
    async fn get(
        &self,
        state: Data<&ApiState>,
        caller: Caller<FilesRead>,
    ) -> Result<Shown, Refused<AccountErrors>> {
        Ok(Shown::Ok(JsonBody(account(&state, &caller).await?)))
    }
}

async fn account(state: &ApiState, caller: &Caller<FilesRead>) -> Result<Account, Problem> {
    let owner_id = caller.owner_id();
    let mut connection = media::pool::borrow(&state.pool).await?;
    let owner = owners::get(&mut connection, owner_id).await?;
    let open = owners::count_open(&mut connection, owner_id, state.now(), u32::MAX).await?;
    let may = owner.may(&state.config.quota);
    let scopes = media::api_keys::Scope::ALL
        .into_iter()
        .filter(|scope| caller.principal.may(*scope));
    Ok(Account {
        owner: owner_id.as_str().to_owned(),
        scopes: scopes.map(Into::into).collect(),
        files: InUse::new(owner.usage.files, may.max_files),
        bytes: InUse::new(owner.usage.bytes, may.max_bytes),
        open_uploads: InUse::new(open.into(), Some(may.max_open_uploads.into())),
    })
}
