//! `/v1/admin/files`: what operators do with files.

use media::FileId;
use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::{ApiResponse, OpenApi};
use uuid::Uuid;
use workflows::admin::runs;

use super::view::RunEntryView;
use super::{ActErrors, Reasoned, Tag};
use crate::ApiState;
use crate::http::auth::{Admin, Caller};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, Refused};
use crate::v1::files::delete::Deletion;
use crate::v1::files::retry;

/// The operations on files.
#[derive(Debug, Clone, Copy)]
pub struct AdminFilesApi;

#[derive(ApiResponse)]
enum Retried {
    /// The file is on its way again: its run.
    #[oai(status = 200)]
    Ok(JsonBody<RunEntryView>),
}

#[derive(ApiResponse)]
enum Deleted {
    /// It is gone for its owner and for everybody else, and its bytes go soon after.
    #[oai(status = 204)]
    Done,
}

#[OpenApi(prefix_path = "/v1/admin/files", tag = "Tag::Admin")]
impl AdminFilesApi {
    /// Send a file through again
    ///
    /// A file that was refused, cancelled or failed starts its run again from the first step. It needs the bytes that
    /// were uploaded: they are kept for a time, and when they are gone this is refused. Needs the scope `admin`.
    #[oai(path = "/:file_id/retry", method = "post", operation_id = "retryFile")]
    async fn retry(
        &self,
        state: Data<&ApiState>,
        caller: Caller<Admin>,
        /// Id of the file.
        file_id: Path<Uuid>,
        body: JsonBody<Reasoned>,
    ) -> Result<Retried, Refused<ActErrors>> {
        let actor = caller.actor();
        let by = body.0.by(&actor, &state.hooks);
        let run_id = retry::retry(&state.pool, FileId(file_id.0), by).await;
        let run_id = run_id.map_err(Problem::from)?;
        let run = runs::get(&state.pool, run_id.into())
            .await
            .map_err(Problem::from)?;
        Ok(Retried::Ok(JsonBody(run.into())))
    }

    /// Take a file down
    ///
    /// As if its owner had deleted it, whatever its status: processing ends, and variants and original are removed from
    /// storage. A CDN may serve what it has until its copies expire. Saying it twice does no harm. Needs the scope
    /// `admin`.
    #[oai(
        path = "/:file_id/delete",
        method = "post",
        operation_id = "takeFileDown"
    )]
    async fn delete(
        &self,
        state: Data<&ApiState>,
        caller: Caller<Admin>,
        /// Id of the file.
        file_id: Path<Uuid>,
        body: JsonBody<Reasoned>,
    ) -> Result<Deleted, Refused<ActErrors>> {
        let actor = caller.actor();
        let deletion = Deletion {
            pool: &state.pool,
            discards: &state.discards,
            now: state.now(),
            by: body.0.by(&actor, &state.hooks),
        };
        let deleted = deletion.by_operator(FileId(file_id.0)).await;
        deleted.map_err(Problem::from)?;
        Ok(Deleted::Done)
    }
}
