//! `/v1/upload-tokens`: the right to open some uploads for a while, to be given to a browser.

use chrono::TimeDelta;
use media::upload_tokens::{self, Grant, UploadToken};
use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;

use crate::ApiState;
use crate::contract::{Count, Time};
use crate::http::auth::{Caller, Identity, UploadsWrite};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, Refused, Statuses};
use crate::v1::uploads::Tag;

/// Where nothing else is asked for, in seconds.
const DEFAULT_LIFETIME: u32 = 3600;

/// The operations on upload tokens.
#[derive(Debug, Clone, Copy)]
pub struct UploadTokensApi;

/// What a token is to allow.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
struct CreateUploadToken {
    /// Uploads that may be opened with it. One that is given up does not come back.
    #[oai(validator(minimum(value = "1"), maximum(value = "10000")))]
    max_files: u32,
    /// Bytes of these together, as declared.
    #[oai(validator(minimum(value = "1"), maximum(value = "9007199254740991")))]
    max_bytes: i64,
    /// Media types that may be declared, such as `image/*`. Left out or empty: any. The bytes are looked at in any case.
    #[oai(
        validator(
            max_items = 32,
            max_length = 255,
            pattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
        ),
        nullable
    )]
    content_types: Option<Vec<String>>,
    /// How long it lives: a minute to a day. Left out: an hour. Also ends with the key that makes it.
    #[oai(validator(minimum(value = "60"), maximum(value = "86400")), nullable)]
    lifetime_seconds: Option<u32>,
}

/// An upload token. Its secret is stored nowhere.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct UploadTokenView {
    /// Id of the token, fit for logs.
    token_id: Uuid,
    /// Uploads that may be opened with it.
    max_files: u32,
    /// Bytes of these together.
    max_bytes: Count,
    /// Media types that may be declared; none is any.
    content_types: Vec<String>,
    /// Uploads that were opened with it.
    files: u32,
    /// Bytes of these, as declared.
    bytes: Count,
    /// When it was made.
    created_at: Time,
    /// When it ends by itself.
    expires_at: Time,
    /// When somebody ended it.
    revoked_at: Option<Time>,
}

impl From<Grant> for UploadTokenView {
    fn from(grant: Grant) -> Self {
        Self {
            token_id: grant.token_id,
            max_files: grant.max_files,
            max_bytes: grant.max_bytes.into(),
            content_types: grant.content_types,
            files: grant.files,
            bytes: grant.bytes.into(),
            created_at: grant.created_at.into(),
            expires_at: grant.expires_at.into(),
            revoked_at: grant.revoked_at.map(Into::into),
        }
    }
}

/// A token that was just made.
#[derive(Debug, Object)]
struct NewUploadToken {
    /// The token, which is shown this once.
    secret: String,
    /// Path of this service to give to Uppy, behind its origin, as `companionEndpoint` (version 6) or `endpoint`
    /// (version 5) of its S3 plugin. It holds the secret.
    uppy_path: String,
    /// What it allows.
    token: UploadTokenView,
}

/// One page of upload tokens.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct UploadTokenPage {
    /// The tokens, newest first. Those that ended a week ago are forgotten.
    items: Vec<UploadTokenView>,
    /// Give it as `cursor` for the next page; absent on the last page.
    next_cursor: Option<String>,
}

#[derive(ApiResponse)]
enum Created {
    /// The token, which is shown this once.
    #[oai(status = 201)]
    Created(JsonBody<NewUploadToken>),
}

#[derive(ApiResponse)]
enum Listed {
    /// One page, newest first.
    #[oai(status = 200)]
    Ok(JsonBody<UploadTokenPage>),
}

#[derive(ApiResponse)]
enum Revoked {
    /// It opens nothing any more, and reaches no upload.
    #[oai(status = 204)]
    Done,
}

struct CreateErrors;
impl Statuses for CreateErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 413, 415, 422, 429, 500, 503];
}

struct ListErrors;
impl Statuses for ListErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 429, 500, 503];
}

struct RevokeErrors;
impl Statuses for RevokeErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 404, 429, 500, 503];
}

#[OpenApi(prefix_path = "/v1/upload-tokens", tag = "Tag::Uploads")]
impl UploadTokensApi {
    /// Make an upload token
    ///
    /// To be given to a browser in place of a key: it opens so many uploads of this owner, of so many bytes, and reaches
    /// no others. Uppy uploads with it unchanged. Needs the scope `uploads:write`.
    #[oai(path = "/", method = "post", operation_id = "createUploadToken")]
    async fn create(
        &self,
        state: Data<&ApiState>,
        caller: Caller<UploadsWrite>,
        body: JsonBody<CreateUploadToken>,
    ) -> Result<Created, Refused<CreateErrors>> {
        let body = body.0;
        let lifetime = body.lifetime_seconds.unwrap_or(DEFAULT_LIFETIME);
        let now = state.now();
        let grant = Grant {
            token_id: Uuid::now_v7(),
            owner_id: caller.owner_id().clone(),
            api_key_id: match caller.principal.identity {
                Identity::Key(id) => Some(id),
                Identity::Token(_) => None,
            },
            max_files: body.max_files,
            max_bytes: body.max_bytes.unsigned_abs(),
            content_types: body.content_types.unwrap_or_default(),
            files: 0,
            bytes: 0,
            created_at: now,
            expires_at: now + TimeDelta::seconds(lifetime.into()),
            revoked_at: None,
        };
        let token = UploadToken::generate();
        let connection = media::pool::borrow(&state.pool).await;
        let mut connection = connection.map_err(Problem::from)?;
        let created = upload_tokens::create(&mut connection, &token, &grant).await;
        created.map_err(Problem::from)?;
        let secret = token.reveal().to_owned();
        Ok(Created::Created(JsonBody(NewUploadToken {
            uppy_path: format!("/uppy/{secret}"),
            secret,
            token: grant.into(),
        })))
    }

    /// List upload tokens
    ///
    /// The owner's, newest first, by pages. Needs the scope `uploads:write`.
    #[oai(path = "/", method = "get", operation_id = "listUploadTokens")]
    async fn list(
        &self,
        state: Data<&ApiState>,
        caller: Caller<UploadsWrite>,
        /// Where the page begins: `next_cursor` of the page before. Opaque.
        #[oai(validator(max_length = 64, pattern = "^[0-9a-f-]+$"))]
        cursor: Query<Option<String>>,
        /// Most tokens on a page.
        #[oai(
            default = "default_limit",
            validator(minimum(value = "1"), maximum(value = "100"))
        )]
        limit: Query<u32>,
    ) -> Result<Listed, Refused<ListErrors>> {
        let unreadable = |_| Problem::parameter("cursor", "is not a cursor of this list");
        let after = cursor.0.as_deref().map(Uuid::try_parse).transpose();
        let after = after.map_err(unreadable)?;
        let connection = media::pool::borrow(&state.pool).await;
        let mut connection = connection.map_err(Problem::from)?;
        // One more than asked for tells whether there is a next page.
        let wanted = i64::from(limit.0) + 1;
        let grants = upload_tokens::list(&mut connection, caller.owner_id(), after, wanted).await;
        let mut grants = grants.map_err(Problem::from)?;
        let page = usize::try_from(limit.0).unwrap_or(usize::MAX);
        let more = grants.len() > page;
        grants.truncate(page);
        let last = grants.last().filter(|_| more);
        Ok(Listed::Ok(JsonBody(UploadTokenPage {
            next_cursor: last.map(|grant| grant.token_id.simple().to_string()),
            items: grants.into_iter().map(Into::into).collect(),
        })))
    }

    /// Revoke an upload token
    ///
    /// Uploads that were opened with it go on, for those who hold a key. Saying it again does no harm. Needs the scope
    /// `uploads:write`.
    #[oai(
        path = "/:token_id",
        method = "delete",
        operation_id = "revokeUploadToken"
    )]
    async fn revoke(
        &self,
        state: Data<&ApiState>,
        caller: Caller<UploadsWrite>,
        /// Id of the token, which is not its secret.
        token_id: Path<Uuid>,
    ) -> Result<Revoked, Refused<RevokeErrors>> {
        let connection = media::pool::borrow(&state.pool).await;
        let mut connection = connection.map_err(Problem::from)?;
        let (owner_id, now) = (caller.owner_id(), state.now());
        let found = upload_tokens::revoke(&mut connection, owner_id, token_id.0, now).await;
        if !found.map_err(Problem::from)? {
            return Err(Problem::not_found("upload token").into());
        }
        Ok(Revoked::Done)
    }
}

fn default_limit() -> u32 {
    50
}
