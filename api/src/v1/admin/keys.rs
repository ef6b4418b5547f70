//! `/v1/admin/keys`: API keys. The command line makes, lists and revokes them by the same functions.

use chrono::{DateTime, Utc};
use media::api_keys::{self, ApiKey, KeyEntry, Wanted};
use media::{OwnerId, pool, times};
use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde_json::json;
use sqlx::{Connection as _, PgConnection, PgPool};
use uuid::Uuid;
use workflows::admin::{Actor, AdminError, Page, audit};

use super::view::{KeyPage, KeyView, NewKeyView};
use super::{
    GetErrors, ListErrors, Reasoned, RepeatableErrors, RequestErrors, Tag, default_limit, paging,
};
use crate::ApiState;
use crate::contract::Time;
use crate::http::auth::{Admin, Caller};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, Refused};
use crate::v1::codes::Scope;

/// The operations on API keys.
#[derive(Debug, Clone, Copy)]
pub struct KeysApi;

/// A key to be made, and why.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
struct CreateKey {
    /// Whose files it reaches: 1 to 64 of `A-Z a-z 0-9 _ . : -`.
    #[oai(validator(max_length = 64, pattern = "^[A-Za-z0-9_.:-]+$"))]
    owner: String,
    /// What it allows.
    #[oai(validator(min_items = 1, max_items = 3))]
    scopes: Vec<Scope>,
    /// For people.
    #[oai(validator(max_length = 200, pattern = r"^[^\x00]*$"), nullable)]
    name: Option<String>,
    /// When it ends by itself. Left out: never.
    #[oai(nullable)]
    expires_at: Option<Time>,
    /// Kept in the audit, with the key that asked.
    #[oai(validator(
        min_length = 1,
        max_length = 1000,
        pattern = r"^[^\x00]*[^\s\x00][^\x00]*$"
    ))]
    reason: String,
}

#[derive(ApiResponse)]
enum Listed {
    /// One page, newest first.
    #[oai(status = 200)]
    Ok(JsonBody<KeyPage>),
}

#[derive(ApiResponse)]
enum Shown {
    /// The key, without its secret, which nobody has but whoever made it.
    #[oai(status = 200)]
    Ok(JsonBody<KeyView>),
}

#[derive(ApiResponse)]
enum Created {
    /// The key with its secret, which is shown this once.
    #[oai(status = 201)]
    Created(
        JsonBody<NewKeyView>,
        /// Path of the key.
        #[oai(header = "Location")]
        String,
    ),
}

#[OpenApi(prefix_path = "/v1/admin/keys", tag = "Tag::Admin")]
impl KeysApi {
    /// List API keys
    ///
    /// Newest first, by pages, and when each was used last. Needs the scope `admin`.
    #[oai(path = "/", method = "get", operation_id = "listKeys")]
    async fn list(
        &self,
        state: Data<&ApiState>,
        _caller: Caller<Admin>,
        /// Only keys of this owner.
        #[oai(validator(max_length = 64, pattern = "^[A-Za-z0-9_.:-]+$"))]
        owner: Query<Option<String>>,
        /// Those that have ended, too.
        #[oai(default)]
        ended: Query<bool>,
        /// Where the page begins: `next_cursor` of the page before. Opaque.
        #[oai(validator(max_length = 64, pattern = "^[0-9a-f-]+$"))]
        cursor: Query<Option<String>>,
        /// Most keys on a page.
        #[oai(
            default = "default_limit",
            validator(minimum(value = "1"), maximum(value = "500"))
        )]
        limit: Query<u32>,
    ) -> Result<Listed, Refused<ListErrors>> {
        let owner = owner.0.map(OwnerId::new).transpose();
        let owner = owner.map_err(|error| Problem::parameter("owner", error.to_string()))?;
        let part = paging(cursor.0.as_deref(), limit.0)?;
        let wanted = Wanted {
            owner_id: owner.as_ref(),
            ended: ended.0,
            after: part.after,
        };
        let page = page(&state.pool, wanted, part.limit).await;
        Ok(Listed::Ok(JsonBody(page.map_err(Problem::from)?.into())))
    }

    /// Make an API key
    ///
    /// The answer has its secret, which is shown this once: only a hash of it is stored. Needs the scope `admin`.
    #[oai(path = "/", method = "post", operation_id = "createKey")]
    async fn create(
        &self,
        state: Data<&ApiState>,
        caller: Caller<Admin>,
        body: JsonBody<CreateKey>,
    ) -> Result<Created, Refused<RequestErrors>> {
        let CreateKey {
            owner,
            scopes,
            name,
            expires_at,
            reason,
        } = body.0;
        let owner = OwnerId::new(owner).map_err(|e| Problem::field("/owner", e.to_string()))?;
        let mut scopes: Vec<api_keys::Scope> = scopes.into_iter().map(Into::into).collect();
        scopes.sort_unstable();
        scopes.dedup();
        let new = NewKey {
            owner_id: &owner,
            scopes: &scopes,
            name: name.as_deref().unwrap_or_default(),
            expires_at: expires_at.map(Into::into),
            now: state.now(),
        };
        if new.expires_at.is_some_and(|at| at <= new.now) {
            return Err(Problem::field("/expires_at", "must be in the future").into());
        }
        let actor = caller.actor();
        let made = create(&state.pool, &new, Actor::new(&actor, &reason)).await;
        let (entry, key) = made.map_err(Problem::from)?;
        let location = format!("/v1/admin/keys/{}", entry.api_key_id);
        let view = NewKeyView::new(entry, key.reveal());
        Ok(Created::Created(JsonBody(view), location))
    }

    /// Get an API key
    ///
    /// Needs the scope `admin`.
    #[oai(path = "/:api_key_id", method = "get", operation_id = "getKey")]
    async fn get(
        &self,
        state: Data<&ApiState>,
        _caller: Caller<Admin>,
        /// Id of the key, which is not its secret.
        api_key_id: Path<Uuid>,
    ) -> Result<Shown, Refused<GetErrors>> {
        let connection = pool::borrow(&state.pool).await;
        let mut connection = connection.map_err(Problem::from)?;
        let entry = api_keys::get(&mut connection, api_key_id.0).await;
        let entry = entry.map_err(Problem::from)?;
        let entry = entry.ok_or_else(|| Problem::not_found("key"))?;
        Ok(Shown::Ok(JsonBody(entry.into())))
    }

    /// Revoke an API key
    ///
    /// Ends it for good, at once. Saying it again does no harm. Needs the scope `admin`.
    #[oai(
        path = "/:api_key_id/revoke",
        method = "post",
        operation_id = "revokeKey"
    )]
    async fn revoke(
        &self,
        state: Data<&ApiState>,
        caller: Caller<Admin>,
        /// Id of the key, which is not its secret.
        api_key_id: Path<Uuid>,
        body: JsonBody<Reasoned>,
    ) -> Result<Shown, Refused<RepeatableErrors>> {
        let actor = caller.actor();
        let by = body.0.by(&actor, &state.hooks);
        let revoked = revoke(&state.pool, api_key_id.0, state.now(), by).await;
        let (_, entry) = revoked
            .map_err(Problem::from)?
            .ok_or_else(|| Problem::not_found("key"))?;
        Ok(Shown::Ok(JsonBody(entry.into())))
    }
}

/// A key to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewKey<'a> {
    /// Whose files it reaches.
    pub owner_id: &'a OwnerId,
    /// What it allows.
    pub scopes: &'a [api_keys::Scope],
    /// For people.
    pub name: &'a str,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// Now.
    pub now: DateTime<Utc>,
}

/// Makes a key. Only its hash is stored, so this is the one time that it can be shown.
pub async fn create(
    pool: &PgPool,
    new: &NewKey<'_>,
    by: Actor<'_>,
) -> Result<(KeyEntry, ApiKey), AdminError> {
    let (id, key) = (Uuid::now_v7(), ApiKey::generate());
    let mut connection = pool::borrow(pool).await?;
    let mut tx = connection.begin().await?;
    let NewKey {
        owner_id,
        scopes,
        name,
        ..
    } = *new;
    api_keys::create(&mut tx, id, &key, owner_id, scopes, name, new.now).await?;
    if let Some(at) = new.expires_at {
        api_keys::expire(&mut tx, id, at).await?;
    }
    let entry = stored(&mut tx, id).await?;
    let details = json!({
        "owner": entry.owner_id, "scopes": entry.scopes, "name": entry.name,
        "expires_at": entry.expires_at.map(times::text),
    });
    audit::record_in(&mut tx, by, "key.create", id, details).await?;
    tx.commit().await?;
    Ok((entry, key))
}

/// Ends a key for good, and says whether it had not been ended before; `None` where there is no such key.
pub async fn revoke(
    pool: &PgPool,
    api_key_id: Uuid,
    now: DateTime<Utc>,
    by: Actor<'_>,
) -> Result<Option<(bool, KeyEntry)>, AdminError> {
    let mut connection = pool::borrow(pool).await?;
    let mut tx = connection.begin().await?;
    let ended = api_keys::revoke(&mut tx, api_key_id, now).await?;
    if ended {
        audit::record_in(&mut tx, by, "key.revoke", api_key_id, json!({})).await?;
    }
    let entry = api_keys::get(&mut tx, api_key_id).await?;
    tx.commit().await?;
    Ok(entry.map(|entry| (ended, entry)))
}

/// A page of keys, newest first.
pub async fn page(
    pool: &PgPool,
    wanted: Wanted<'_>,
    limit: i64,
) -> Result<Page<KeyEntry>, AdminError> {
    let mut connection = pool::borrow(pool).await?;
    // One more than asked for tells whether there is a next page.
    let mut items = api_keys::list(&mut connection, wanted, limit + 1).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > most;
    items.truncate(most);
    let next = items.last().filter(|_| more).map(|last| last.api_key_id);
    Ok(Page { items, next })
}

async fn stored(conn: &mut PgConnection, api_key_id: Uuid) -> Result<KeyEntry, AdminError> {
    let entry = api_keys::get(conn, api_key_id).await?;
    Ok(entry.ok_or(sqlx::Error::RowNotFound)?)
}
