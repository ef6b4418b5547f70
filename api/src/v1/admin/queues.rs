//! `/v1/admin/queues`: how much waits where, and holding it.

use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::{ApiResponse, OpenApi};
use workflows::admin::queues;

use super::view::QueueList;
use super::{ActErrors, ListErrors, Reasoned, Tag};
use crate::ApiState;
use crate::http::auth::{Admin, Caller};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, Refused};

/// The operations on queues.
#[derive(Debug, Clone, Copy)]
pub struct QueuesApi;

#[derive(ApiResponse)]
enum Listed {
    /// The queues.
    #[oai(status = 200)]
    Ok(JsonBody<QueueList>),
}

#[derive(ApiResponse)]
enum Changed {
    /// Done.
    #[oai(status = 204)]
    Done,
}

#[OpenApi(prefix_path = "/v1/admin/queues", tag = "Tag::Admin")]
impl QueuesApi {
    /// List queues
    ///
    /// All that ever had work, with what waits in them. Needs the scope `admin`.
    #[oai(path = "/", method = "get", operation_id = "listQueues")]
    async fn list(
        &self,
        state: Data<&ApiState>,
        _caller: Caller<Admin>,
    ) -> Result<Listed, Refused<ListErrors>> {
        let queues = queues::list(&state.pool).await.map_err(Problem::from)?;
        Ok(Listed::Ok(JsonBody(queues.into())))
    }

    /// Pause a queue
    ///
    /// Nothing more of it is begun, in any worker, until somebody resumes it. What is under way goes on.
    /// Needs the scope `admin`.
    #[oai(path = "/:queue/pause", method = "post", operation_id = "pauseQueue")]
    async fn pause(
        &self,
        state: Data<&ApiState>,
        caller: Caller<Admin>,
        /// Name of the queue.
        queue: Path<String>,
        body: JsonBody<Reasoned>,
    ) -> Result<Changed, Refused<ActErrors>> {
        let actor = caller.actor();
        let done = queues::pause(&state.pool, &queue.0, body.0.by(&actor, &state.hooks)).await;
        done.map_err(Problem::from)?;
        Ok(Changed::Done)
    }

    /// Resume a queue
    ///
    /// A paused queue goes on. Needs the scope `admin`.
    #[oai(path = "/:queue/resume", method = "post", operation_id = "resumeQueue")]
    async fn resume(
        &self,
        state: Data<&ApiState>,
        caller: Caller<Admin>,
        /// Name of the queue.
        queue: Path<String>,
        body: JsonBody<Reasoned>,
    ) -> Result<Changed, Refused<ActErrors>> {
        let actor = caller.actor();
        let done = queues::resume(&state.pool, &queue.0, body.0.by(&actor, &state.hooks)).await;
        done.map_err(Problem::from)?;
        Ok(Changed::Done)
    }
}
