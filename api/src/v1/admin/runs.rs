//! `/v1/admin/runs`: what every run does or waits for.

use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;
use workflows::admin::Actor;
use workflows::admin::explain;
use workflows::admin::runs::{self, RunFilter};

use super::view::{ExplanationView, RunEntryView, RunPage};
use super::{ActErrors, GetErrors, ListErrors, Reasoned, Tag, default_limit, paging};
use crate::ApiState;
use crate::http::auth::{Admin, Caller};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, Refused};
use crate::v1::codes::RunState;

/// The operations on runs.
#[derive(Debug, Clone, Copy)]
pub struct RunsApi;

/// How to start again.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct RestartRun {
    /// Kept in the audit, with the key that asked.
    #[oai(validator(
        min_length = 1,
        max_length = 1000,
        pattern = r"^[^\x00]*[^\s\x00][^\x00]*$"
    ))]
    reason: String,
    /// From this step, which the run has been through. Left out: from its first step, with its input.
    #[oai(
        validator(min_length = 1, max_length = 200, pattern = r"^[^\x00]*$"),
        nullable
    )]
    from_step: Option<String>,
}

#[derive(ApiResponse)]
enum Listed {
    /// One page, newest first.
    #[oai(status = 200)]
    Ok(JsonBody<RunPage>),
}

#[derive(ApiResponse)]
enum Explained {
    /// The run, and why it is where it is.
    #[oai(status = 200)]
    Ok(JsonBody<ExplanationView>),
}

#[derive(ApiResponse)]
enum Changed {
    /// Done: the run as it is now.
    #[oai(status = 200)]
    Ok(JsonBody<RunEntryView>),
}

#[OpenApi(prefix_path = "/v1/admin/runs", tag = "Tag::Admin")]
impl RunsApi {
    /// List runs
    ///
    /// Newest first, by pages. Needs the scope `admin`.
    #[oai(path = "/", method = "get", operation_id = "listRuns")]
    #[expect(clippy::too_many_arguments, reason = "one for each query parameter")]
    async fn list(
        &self,
        state: Data<&ApiState>,
        _caller: Caller<Admin>,
        /// Only runs of this workflow.
        #[oai(validator(max_length = 1000, pattern = r"^[^\x00]*$"))]
        workflow: Query<Option<String>>,
        /// Only runs in this state.
        #[oai(name = "state")]
        run_state: Query<Option<RunState>>,
        /// Only runs of this owner.
        #[oai(validator(max_length = 1000, pattern = r"^[^\x00]*$"))]
        owner: Query<Option<String>>,
        /// Only runs about this file or upload.
        subject: Query<Option<Uuid>>,
        /// Where the page begins: `next_cursor` of the page before. Opaque.
        #[oai(validator(max_length = 64, pattern = "^[0-9a-f-]+$"))]
        cursor: Query<Option<String>>,
        /// Most runs on a page.
        #[oai(
            default = "default_limit",
            validator(minimum(value = "1"), maximum(value = "500"))
        )]
        limit: Query<u32>,
    ) -> Result<Listed, Refused<ListErrors>> {
        let filter = RunFilter {
            workflow: workflow.0,
            state: run_state.0.map(Into::into),
            fairness_key: owner.0,
            subject: subject.0,
        };
        let page = runs::list(&state.pool, &filter, paging(cursor.0.as_deref(), limit.0)?).await;
        Ok(Listed::Ok(JsonBody(page.map_err(Problem::from)?.into())))
    }

    /// Explain a run
    ///
    /// Why it is not running now, or who works on it; its tasks; and every attempt so far. Also takes the id of a file:
    /// of several runs about it the one that is not over, or else one that did not succeed, or else the newest. Needs the
    /// scope `admin`.
    #[oai(path = "/:run_id", method = "get", operation_id = "explainRun")]
    async fn explain(
        &self,
        state: Data<&ApiState>,
        _caller: Caller<Admin>,
        /// The run, or the file.
        run_id: Path<Uuid>,
    ) -> Result<Explained, Refused<GetErrors>> {
        let explanation = explain::explain(&state.pool, run_id.0).await;
        let explanation = explanation.map_err(Problem::from)?;
        Ok(Explained::Ok(JsonBody(explanation.into())))
    }

    /// Cancel a run
    ///
    /// Ends it now. What is under way can write nothing any more and is stopped within a second.
    /// Needs the scope `admin`.
    #[oai(path = "/:run_id/cancel", method = "post", operation_id = "cancelRun")]
    async fn cancel(
        &self,
        state: Data<&ApiState>,
        caller: Caller<Admin>,
        /// Id of the run.
        run_id: Path<Uuid>,
        body: JsonBody<Reasoned>,
    ) -> Result<Changed, Refused<ActErrors>> {
        let actor = caller.actor();
        let done = runs::cancel(
            &state.pool,
            run_id.0.into(),
            body.0.by(&actor, &state.hooks),
        )
        .await;
        done.map_err(Problem::from)?;
        changed(&state, run_id.0).await
    }

    /// Pause a run
    ///
    /// What is under way ends its step; nothing else of the run begins. Needs the scope `admin`.
    #[oai(path = "/:run_id/pause", method = "post", operation_id = "pauseRun")]
    async fn pause(
        &self,
        state: Data<&ApiState>,
        caller: Caller<Admin>,
        /// Id of the run.
        run_id: Path<Uuid>,
        body: JsonBody<Reasoned>,
    ) -> Result<Changed, Refused<ActErrors>> {
        let actor = caller.actor();
        let done = runs::pause(
            &state.pool,
            run_id.0.into(),
            body.0.by(&actor, &state.hooks),
        )
        .await;
        done.map_err(Problem::from)?;
        changed(&state, run_id.0).await
    }

    /// Resume a run
    ///
    /// A paused run goes on, and what waited for a retry is tried at once. Needs the scope `admin`.
    #[oai(path = "/:run_id/resume", method = "post", operation_id = "resumeRun")]
    async fn resume(
        &self,
        state: Data<&ApiState>,
        caller: Caller<Admin>,
        /// Id of the run.
        run_id: Path<Uuid>,
        body: JsonBody<Reasoned>,
    ) -> Result<Changed, Refused<ActErrors>> {
        let actor = caller.actor();
        let done = runs::resume(
            &state.pool,
            run_id.0.into(),
            body.0.by(&actor, &state.hooks),
        )
        .await;
        done.map_err(Problem::from)?;
        changed(&state, run_id.0).await
    }

    /// Restart a run
    ///
    /// A run that has ended or is dead starts again, as the same run: from its first step, or from one that it has been
    /// through. Its history stays, what it had ended with is forgotten. Needs the scope `admin`.
    #[oai(
        path = "/:run_id/restart",
        method = "post",
        operation_id = "restartRun"
    )]
    async fn restart(
        &self,
        state: Data<&ApiState>,
        caller: Caller<Admin>,
        /// Id of the run.
        run_id: Path<Uuid>,
        body: JsonBody<RestartRun>,
    ) -> Result<Changed, Refused<ActErrors>> {
        let actor = caller.actor();
        let by = Actor::new(&actor, &body.0.reason).telling(&state.hooks);
        let from_step = body.0.from_step.as_deref();
        let done = runs::restart(&state.pool, run_id.0.into(), from_step, by).await;
        done.map_err(Problem::from)?;
        changed(&state, run_id.0).await
    }
}

async fn changed(state: &ApiState, run_id: Uuid) -> Result<Changed, Refused<ActErrors>> {
    let run = runs::get(&state.pool, run_id.into())
        .await
        .map_err(Problem::from)?;
    Ok(Changed::Ok(JsonBody(run.into())))
}
