//! `/v1/admin/limits` and `/v1/admin/queues/{queue}/limit`: how much of a queue runs at once, in all workers together.

use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::{ApiResponse, Object, OpenApi};
use workflows::admin::limits;

use super::view::{LimitView, QueueLimitList};
use super::{ActErrors, ListErrors, Reasoned, Tag};
use crate::ApiState;
use crate::http::auth::{Admin, Caller};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, Refused};

/// The operations on limits of queues.
#[derive(Debug, Clone, Copy)]
pub struct LimitsApi;

/// A limit, and why it is set.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
struct SetLimit {
    /// What the queue may.
    limit: LimitView,
    /// Kept in the audit, with the key that asked.
    #[oai(validator(min_length = 1, max_length = 1000))]
    reason: String,
}

#[derive(ApiResponse)]
enum Listed {
    /// The limits.
    #[oai(status = 200)]
    Ok(JsonBody<QueueLimitList>),
}

#[derive(ApiResponse)]
enum Changed {
    /// Done.
    #[oai(status = 204)]
    Done,
}

#[OpenApi(prefix_path = "/v1/admin", tag = "Tag::Admin")]
impl LimitsApi {
    /// List limits
    ///
    /// All queues that have one, with what runs now. Needs the scope `admin`.
    #[oai(path = "/limits", method = "get", operation_id = "listLimits")]
    async fn list(
        &self,
        state: Data<&ApiState>,
        _caller: Caller<Admin>,
    ) -> Result<Listed, Refused<ListErrors>> {
        let limits = limits::list(&state.pool).await.map_err(Problem::from)?;
        Ok(Listed::Ok(JsonBody(limits.into())))
    }

    /// Limit a queue
    ///
    /// In place of the limit that it had. Holds over all workers, for whatever begins from now on; what
    /// runs already counts. Needs the scope `admin`.
    #[oai(
        path = "/queues/:queue/limit",
        method = "post",
        operation_id = "limitQueue"
    )]
    async fn set(
        &self,
        state: Data<&ApiState>,
        caller: Caller<Admin>,
        /// Name of the queue.
        queue: Path<String>,
        body: JsonBody<SetLimit>,
    ) -> Result<Changed, Refused<ActErrors>> {
        let actor = caller.actor();
        let SetLimit { limit, reason } = body.0;
        let by = Reasoned { reason };
        let done = limits::set(
            &state.pool,
            &queue.0,
            limit.into(),
            by.by(&actor, &state.hooks),
        )
        .await;
        done.map_err(Problem::from)?;
        Ok(Changed::Done)
    }

    /// Remove a queue's limit
    ///
    /// Needs the scope `admin`.
    #[oai(
        path = "/queues/:queue/unlimit",
        method = "post",
        operation_id = "unlimitQueue"
    )]
    async fn remove(
        &self,
        state: Data<&ApiState>,
        caller: Caller<Admin>,
        /// Name of the queue.
        queue: Path<String>,
        body: JsonBody<Reasoned>,
    ) -> Result<Changed, Refused<ActErrors>> {
        let actor = caller.actor();
        let done = limits::remove(&state.pool, &queue.0, body.0.by(&actor, &state.hooks)).await;
        done.map_err(Problem::from)?;
        Ok(Changed::Done)
    }
}
