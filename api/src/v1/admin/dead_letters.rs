//! `/v1/admin/dead-letters`: what failed for good, and what to do about it.

use chrono::{DateTime, Utc};
use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;
use workflows::admin::Actor;
use workflows::admin::dead_letters::{self, LetterFilter};

use super::view::{DeadLetterDetail, DeadLetterPage, KindList};
use super::{ActErrors, GetErrors, ListErrors, Reasoned, Tag, default_limit, paging};
use crate::ApiState;
use crate::http::auth::{Admin, Caller};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, Refused};

/// The operations on dead letters.
#[derive(Debug, Clone, Copy)]
pub struct DeadLettersApi;

/// How to start anew.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct RedriveLetter {
    /// Kept in the audit, with the key that asked.
    #[oai(validator(
        min_length = 1,
        max_length = 1000,
        pattern = r"^[^\x00]*[^\s\x00][^\x00]*$"
    ))]
    reason: String,
    /// Start the run again from this earlier step, which it has been through. Whatever else the run was doing is
    /// stopped. Left out: from the step that died.
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
    Ok(JsonBody<DeadLetterPage>),
}

#[derive(ApiResponse)]
enum SummedUp {
    /// The kinds, the most frequent first.
    #[oai(status = 200)]
    Ok(JsonBody<KindList>),
}

#[derive(ApiResponse)]
enum Shown {
    /// The letter as it is now.
    #[oai(status = 200)]
    Ok(JsonBody<DeadLetterDetail>),
}

#[OpenApi(prefix_path = "/v1/admin/dead-letters", tag = "Tag::Admin")]
impl DeadLettersApi {
    /// List dead letters
    ///
    /// Newest first, by pages, without what their steps were given; open ones unless told otherwise. Needs the scope
    /// `admin`.
    #[oai(path = "/", method = "get", operation_id = "listDeadLetters")]
    #[expect(clippy::too_many_arguments, reason = "one for each query parameter")]
    async fn list(
        &self,
        state: Data<&ApiState>,
        _caller: Caller<Admin>,
        /// Only of this workflow.
        #[oai(validator(max_length = 1000, pattern = r"^[^\x00]*$"))]
        workflow: Query<Option<String>>,
        /// Only of this step.
        #[oai(validator(max_length = 1000, pattern = r"^[^\x00]*$"))]
        step: Query<Option<String>>,
        /// Only with this fingerprint.
        #[oai(validator(max_length = 1000, pattern = r"^[^\x00]*$"))]
        fingerprint: Query<Option<String>>,
        /// Only of this owner's runs.
        #[oai(validator(max_length = 1000, pattern = r"^[^\x00]*$"))]
        owner: Query<Option<String>>,
        /// Only those that died before.
        died_before: Query<Option<DateTime<Utc>>>,
        /// Only those that died at this time or later.
        died_since: Query<Option<DateTime<Utc>>>,
        /// Those that are resolved, too.
        #[oai(default)]
        resolved: Query<bool>,
        /// Where the page begins: `next_cursor` of the page before. Opaque.
        #[oai(validator(max_length = 64, pattern = "^[0-9a-f-]+$"))]
        cursor: Query<Option<String>>,
        /// Most letters on a page.
        #[oai(
            default = "default_limit",
            validator(minimum(value = "1"), maximum(value = "500"))
        )]
        limit: Query<u32>,
    ) -> Result<Listed, Refused<ListErrors>> {
        let filter = LetterFilter {
            workflow: workflow.0,
            step: step.0,
            fingerprint: fingerprint.0.map(Into::into),
            fairness_key: owner.0,
            died_before: died_before.0,
            died_since: died_since.0,
        };
        let paging = paging(cursor.0.as_deref(), limit.0)?;
        let page = dead_letters::list(&state.pool, &filter, resolved.0, paging).await;
        Ok(Listed::Ok(JsonBody(page.map_err(Problem::from)?.into())))
    }

    /// Sum up dead letters
    ///
    /// How many open ones there are of each kind: those with the same fingerprint. Needs the scope `admin`.
    #[oai(
        path = "/summary",
        method = "get",
        operation_id = "summarizeDeadLetters"
    )]
    #[expect(clippy::too_many_arguments, reason = "one for each query parameter")]
    async fn summary(
        &self,
        state: Data<&ApiState>,
        _caller: Caller<Admin>,
        /// Only of this workflow.
        #[oai(validator(max_length = 1000, pattern = r"^[^\x00]*$"))]
        workflow: Query<Option<String>>,
        /// Only of this step.
        #[oai(validator(max_length = 1000, pattern = r"^[^\x00]*$"))]
        step: Query<Option<String>>,
        /// Only with this fingerprint.
        #[oai(validator(max_length = 1000, pattern = r"^[^\x00]*$"))]
        fingerprint: Query<Option<String>>,
        /// Only of this owner's runs.
        #[oai(validator(max_length = 1000, pattern = r"^[^\x00]*$"))]
        owner: Query<Option<String>>,
        /// Only those that died before.
        died_before: Query<Option<DateTime<Utc>>>,
        /// Only those that died at this time or later.
        died_since: Query<Option<DateTime<Utc>>>,
    ) -> Result<SummedUp, Refused<ListErrors>> {
        let filter = LetterFilter {
            workflow: workflow.0,
            step: step.0,
            fingerprint: fingerprint.0.map(Into::into),
            fairness_key: owner.0,
            died_before: died_before.0,
            died_since: died_since.0,
        };
        let kinds = dead_letters::summary(&state.pool, &filter).await;
        Ok(SummedUp::Ok(JsonBody(kinds.map_err(Problem::from)?.into())))
    }

    /// Get a dead letter
    ///
    /// With what its step was given, and every attempt of its task. Needs the scope `admin`.
    #[oai(path = "/:letter_id", method = "get", operation_id = "getDeadLetter")]
    async fn get(
        &self,
        state: Data<&ApiState>,
        _caller: Caller<Admin>,
        /// Id of the dead letter.
        letter_id: Path<Uuid>,
    ) -> Result<Shown, Refused<GetErrors>> {
        Ok(shown(&state, letter_id.0).await?)
    }

    /// Re-drive a dead letter
    ///
    /// Starts the dead task anew with all its attempts, or its run from an earlier step. Works once a letter.
    /// Needs the scope `admin`.
    #[oai(
        path = "/:letter_id/redrive",
        method = "post",
        operation_id = "redriveDeadLetter"
    )]
    async fn redrive(
        &self,
        state: Data<&ApiState>,
        caller: Caller<Admin>,
        /// Id of the dead letter.
        letter_id: Path<Uuid>,
        body: JsonBody<RedriveLetter>,
    ) -> Result<Shown, Refused<ActErrors>> {
        let actor = caller.actor();
        let by = Actor::new(&actor, &body.0.reason).telling(&state.hooks);
        let from_step = body.0.from_step.as_deref();
        let done = dead_letters::redrive(&state.pool, letter_id.0.into(), from_step, by).await;
        done.map_err(Problem::from)?;
        Ok(shown(&state, letter_id.0).await?)
    }

    /// Discard a dead letter
    ///
    /// Gives the dead task up, and with it its run, which is cancelled. Needs the scope `admin`.
    #[oai(
        path = "/:letter_id/discard",
        method = "post",
        operation_id = "discardDeadLetter"
    )]
    async fn discard(
        &self,
        state: Data<&ApiState>,
        caller: Caller<Admin>,
        /// Id of the dead letter.
        letter_id: Path<Uuid>,
        body: JsonBody<Reasoned>,
    ) -> Result<Shown, Refused<ActErrors>> {
        let actor = caller.actor();
        let done = dead_letters::discard(
            &state.pool,
            letter_id.0.into(),
            body.0.by(&actor, &state.hooks),
        )
        .await;
        done.map_err(Problem::from)?;
        Ok(shown(&state, letter_id.0).await?)
    }
}

async fn shown(state: &ApiState, letter_id: Uuid) -> Result<Shown, Problem> {
    let letter = dead_letters::show(&state.pool, letter_id.into()).await?;
    Ok(Shown::Ok(JsonBody(letter.into())))
}
