//! `/v1/admin/dead-letters/discard`: giving many dead letters up.

use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi};
use workflows::admin::Actor;
use workflows::admin::dead_letters::{self, Discarded};
use workflows::admin::redrive;

use super::view::{DiscardedView, LetterFilterView};
use super::{RequestErrors, Tag};
use crate::ApiState;
use crate::http::auth::{Admin, Caller};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, Refused};

/// The operation that gives many letters up.
#[derive(Debug, Clone, Copy)]
pub struct DiscardsApi;

/// Which dead letters to give up.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct DiscardMany {
    /// Which letters. Only open ones.
    filter: LetterFilterView,
    /// Change nothing; only count what would be changed.
    #[oai(default)]
    dry_run: bool,
    /// How many at most, by this request.
    #[oai(
        default = "default_limit",
        validator(minimum(value = "1"), maximum(value = "500"))
    )]
    limit: i32,
    /// Kept in the audit, with the key that asked. Only a dry run needs none.
    #[oai(
        validator(max_length = 1000, pattern = r"^[^\x00]*[^\s\x00][^\x00]*$"),
        nullable
    )]
    reason: Option<String>,
}

fn default_limit() -> i32 {
    500
}

#[derive(ApiResponse)]
enum Done {
    /// So many runs were cancelled, and so many letters are left.
    #[oai(status = 200)]
    Ok(JsonBody<DiscardedView>),
}

#[OpenApi(prefix_path = "/v1/admin/dead-letters", tag = "Tag::Admin")]
impl DiscardsApi {
    /// Discard many dead letters
    ///
    /// Gives the oldest that match up, and with them their runs, which are cancelled. One request does a bounded
    /// number: ask again while there are any left. Needs the scope `admin`.
    #[oai(
        path = "/discard",
        method = "post",
        operation_id = "discardDeadLetters"
    )]
    async fn discard(
        &self,
        state: Data<&ApiState>,
        caller: Caller<Admin>,
        body: JsonBody<DiscardMany>,
    ) -> Result<Done, Refused<RequestErrors>> {
        let body = body.0;
        let filter = body.filter.into();
        let discarded = if body.dry_run {
            let left = redrive::count(&state.pool, &filter).await;
            left.map(|left| Discarded { runs: 0, left })
        } else {
            let actor = caller.actor();
            let by = Actor::new(&actor, body.reason.as_deref().unwrap_or_default())
                .telling(&state.hooks);
            dead_letters::discard_many(&state.pool, &filter, body.limit.into(), by).await
        };
        let discarded = discarded.map_err(Problem::from)?;
        Ok(Done::Ok(JsonBody(discarded.into())))
    }
}
