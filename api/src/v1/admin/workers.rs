//! `/v1/admin/workers`: who is at work.

use poem::web::Data;
use poem_openapi::{ApiResponse, OpenApi};
use workflows::admin::workers;

use super::view::WorkerList;
use super::{ListErrors, Tag};
use crate::ApiState;
use crate::http::auth::{Admin, Caller};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, Refused};

/// The operation on workers.
#[derive(Debug, Clone, Copy)]
pub struct WorkersApi;

#[derive(ApiResponse)]
enum Listed {
    /// The workers.
    #[oai(status = 200)]
    Ok(JsonBody<WorkerList>),
}

#[OpenApi(prefix_path = "/v1/admin/workers", tag = "Tag::Admin")]
impl WorkersApi {
    /// List workers
    ///
    /// All that have not left, with whether they are alive and what they work on. Needs the scope `admin`.
    #[oai(path = "/", method = "get", operation_id = "listWorkers")]
    async fn list(
        &self,
        state: Data<&ApiState>,
        _caller: Caller<Admin>,
    ) -> Result<Listed, Refused<ListErrors>> {
        let workers = workers::list(&state.pool).await.map_err(Problem::from)?;
        Ok(Listed::Ok(JsonBody(workers.into())))
    }
}
