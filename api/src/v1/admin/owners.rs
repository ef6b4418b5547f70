//! `/v1/admin/owners`: what owners have and may have. The command line does the same by the same functions.

use media::OwnerId;
use media::owners::{self, Owner, Quota};
use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde_json::json;
use sqlx::{Connection as _, PgPool};
use workflows::admin::{Actor, AdminError, audit};

use super::view::{OwnerPage, OwnerView, QuotaView};
use super::{ListErrors, RepeatableErrors, Tag, default_limit};
use crate::ApiState;
use crate::http::auth::{Admin, Caller};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, Refused};

/// The operations on owners.
#[derive(Debug, Clone, Copy)]
pub struct OwnersApi;

/// What an owner may have, and why.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
struct SetQuota {
    /// In place of what was set before. What is left out is as the settings say.
    quota: QuotaView,
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
    /// One page, by name.
    #[oai(status = 200)]
    Ok(JsonBody<OwnerPage>),
}

#[derive(ApiResponse)]
enum Shown {
    /// The owner.
    #[oai(status = 200)]
    Ok(JsonBody<OwnerView>),
}

#[OpenApi(prefix_path = "/v1/admin/owners", tag = "Tag::Admin")]
impl OwnersApi {
    /// List owners
    ///
    /// Those who have or had files, or a quota of their own; by name, by pages. Needs the scope `admin`.
    #[oai(path = "/", method = "get", operation_id = "listOwners")]
    async fn list(
        &self,
        state: Data<&ApiState>,
        _caller: Caller<Admin>,
        /// Where the page begins: `next_cursor` of the page before. Opaque.
        #[oai(validator(max_length = 64, pattern = "^[A-Za-z0-9_.:-]+$"))]
        cursor: Query<Option<String>>,
        /// Most owners on a page.
        #[oai(
            default = "default_limit",
            validator(minimum(value = "1"), maximum(value = "500"))
        )]
        limit: Query<u32>,
    ) -> Result<Listed, Refused<ListErrors>> {
        let after = cursor.0.map(OwnerId::new).transpose();
        let after =
            after.map_err(|_| Problem::parameter("cursor", "is not a cursor of this list"))?;
        let page = page(&state.pool, after.as_ref(), limit.0.into()).await;
        let (owners, more) = page.map_err(Problem::from)?;
        Ok(Listed::Ok(JsonBody(OwnerPage::new(owners, more))))
    }

    /// Get an owner
    ///
    /// What they have, and what they may have in place of the settings. One of whom nothing is known has nothing. Needs
    /// the scope `admin`.
    #[oai(path = "/:owner", method = "get", operation_id = "getOwner")]
    async fn get(
        &self,
        state: Data<&ApiState>,
        _caller: Caller<Admin>,
        /// The owner.
        #[oai(validator(max_length = 64, pattern = "^[A-Za-z0-9_.:-]+$"))]
        owner: Path<String>,
    ) -> Result<Shown, Refused<ListErrors>> {
        let owner = owner_id(owner.0)?;
        let connection = media::pool::borrow(&state.pool).await;
        let mut connection = connection.map_err(Problem::from)?;
        let owner = owners::get(&mut connection, &owner).await;
        Ok(Shown::Ok(JsonBody(owner.map_err(Problem::from)?.into())))
    }

    /// Set an owner's quota
    ///
    /// What they have beyond it stays; they get nothing more until there is room. Needs the scope `admin`.
    #[oai(path = "/:owner/quota", method = "post", operation_id = "setQuota")]
    async fn set(
        &self,
        state: Data<&ApiState>,
        caller: Caller<Admin>,
        /// The owner.
        #[oai(validator(max_length = 64, pattern = "^[A-Za-z0-9_.:-]+$"))]
        owner: Path<String>,
        body: JsonBody<SetQuota>,
    ) -> Result<Shown, Refused<RepeatableErrors>> {
        let owner = owner_id(owner.0)?;
        let (actor, quota) = (caller.actor(), body.0.quota.into());
        let by = Actor::new(&actor, &body.0.reason);
        let owner = allow(&state.pool, &owner, quota, by).await;
        Ok(Shown::Ok(JsonBody(owner.map_err(Problem::from)?.into())))
    }
}

fn owner_id(text: String) -> Result<OwnerId, Problem> {
    OwnerId::new(text).map_err(|error| Problem::parameter("owner", error.to_string()))
}

/// Owners by name, and whether there are more.
pub async fn page(
    pool: &PgPool,
    after: Option<&OwnerId>,
    limit: i64,
) -> Result<(Vec<Owner>, bool), AdminError> {
    let mut connection = media::pool::borrow(pool).await?;
    // One more than asked for tells whether there is a next page.
    let mut owners = owners::list(&mut connection, after, limit + 1).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = owners.len() > most;
    owners.truncate(most);
    Ok((owners, more))
}

/// Sets what an owner may have, in place of what was set before.
pub async fn allow(
    pool: &PgPool,
    owner_id: &OwnerId,
    quota: Quota,
    by: Actor<'_>,
) -> Result<Owner, AdminError> {
    let mut connection = media::pool::borrow(pool).await?;
    let mut tx = connection.begin().await?;
    let owner = owners::allow(&mut tx, owner_id, quota).await?;
    let Quota {
        max_files,
        max_bytes,
        max_open_uploads,
    } = quota;
    let details = json!({ "max_files": max_files, "max_bytes": max_bytes, "max_open_uploads": max_open_uploads });
    audit::record_in(&mut tx, by, "owner.quota", owner_id, details).await?;
    tx.commit().await?;
    Ok(owner)
}
