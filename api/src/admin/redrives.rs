//! `/v1/admin/redrives`: re-driving many dead letters at a rate. Workers see to it, so it survives restarts.

use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::Deserialize;
use uuid::Uuid;
use workflows::admin::By;
use workflows::admin::redrive::{self, Pace};

use super::view::{LetterFilterView, RedriveCount, RedriveView};
use super::{ActErrors, GetErrors, Reasoned, Tag};
use crate::ApiState;
use crate::auth::{Admin, Caller};
use crate::body::JsonBody;
use crate::problem::{Problem, Refused, Statuses};

/// The operations on re-drives of many.
#[derive(Debug, Clone, Copy)]
pub struct RedrivesApi;

/// Which dead letters to re-drive, and how fast.
#[derive(Debug, Deserialize, Object)]
#[oai(deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct RequestRedrive {
    /// Which letters. Only open ones, and only those that are dead already.
    filter: LetterFilterView,
    /// Only count them.
    #[oai(default)]
    #[serde(default)]
    dry_run: bool,
    /// How many a second.
    #[oai(
        default = "default_per_second",
        validator(minimum(value = "0.001"), maximum(value = "10000"))
    )]
    #[serde(default = "default_per_second")]
    per_second: f64,
    /// How many at most.
    #[oai(default = "default_cap", validator(minimum(value = "1")))]
    #[serde(default = "default_cap")]
    cap: i32,
    /// Kept in the audit, with the key that asked. Only a dry run needs none.
    #[oai(validator(max_length = 1000), nullable)]
    reason: Option<String>,
}

fn default_per_second() -> f64 {
    10.0
}

fn default_cap() -> i32 {
    10_000
}

struct RequestErrors;
impl Statuses for RequestErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 413, 415, 422, 500, 503];
}

#[derive(ApiResponse)]
#[expect(
    clippy::large_enum_variant,
    reason = "made once a request and answered at once"
)]
enum Requested {
    /// A dry run: so many letters match. Nothing was changed.
    #[oai(status = 200)]
    Counted(JsonBody<RedriveCount>),
    /// The re-drive is under way.
    #[oai(status = 202)]
    Accepted(
        JsonBody<RedriveView>,
        /// Path of the re-drive.
        #[oai(header = "Location")]
        String,
    ),
}

#[derive(ApiResponse)]
enum Shown {
    /// The re-drive, and how far it is.
    #[oai(status = 200)]
    Ok(JsonBody<RedriveView>),
}

#[OpenApi(prefix_path = "/v1/admin/redrives", tag = "Tag::Admin")]
impl RedrivesApi {
    /// Re-drive many dead letters
    ///
    /// Oldest first, so many a second, until all that matched are done or the cap is reached.
    /// Needs the scope `admin`.
    #[oai(path = "/", method = "post", operation_id = "requestRedrive")]
    async fn request(
        &self,
        state: Data<&ApiState>,
        caller: Caller<Admin>,
        body: JsonBody<RequestRedrive>,
    ) -> Result<Requested, Refused<RequestErrors>> {
        let body = body.0;
        let filter = body.filter.into();
        if body.dry_run {
            let matched = redrive::count(&state.pool, &filter).await;
            let matched = matched.map_err(Problem::from)?;
            return Ok(Requested::Counted(JsonBody(RedriveCount { matched })));
        }
        let actor = caller.actor();
        let by = By {
            actor: &actor,
            reason: body.reason.as_deref().unwrap_or_default(),
        };
        let pace = Pace {
            per_second: body.per_second,
            cap: body.cap,
        };
        let redrive = redrive::request(&state.pool, &filter, pace, by).await;
        let redrive = redrive.map_err(Problem::from)?;
        let location = format!("/v1/admin/redrives/{}", redrive.redrive_id);
        Ok(Requested::Accepted(JsonBody(redrive.into()), location))
    }

    /// Get a re-drive
    ///
    /// How far it is. Needs the scope `admin`.
    #[oai(path = "/:redrive_id", method = "get", operation_id = "getRedrive")]
    async fn get(
        &self,
        state: Data<&ApiState>,
        _caller: Caller<Admin>,
        /// The re-drive.
        redrive_id: Path<Uuid>,
    ) -> Result<Shown, Refused<GetErrors>> {
        let redrive = redrive::get(&state.pool, redrive_id.0).await;
        let redrive = redrive.map_err(Problem::from)?;
        Ok(Shown::Ok(JsonBody(redrive.into())))
    }

    /// Stop a re-drive
    ///
    /// Where it is: what was re-driven stays so. Needs the scope `admin`.
    #[oai(
        path = "/:redrive_id/stop",
        method = "post",
        operation_id = "stopRedrive"
    )]
    async fn stop(
        &self,
        state: Data<&ApiState>,
        caller: Caller<Admin>,
        /// The re-drive.
        redrive_id: Path<Uuid>,
        body: JsonBody<Reasoned>,
    ) -> Result<Shown, Refused<ActErrors>> {
        let actor = caller.actor();
        let redrive = redrive::stop(&state.pool, redrive_id.0, body.0.by(&actor)).await;
        let redrive = redrive.map_err(Problem::from)?;
        Ok(Shown::Ok(JsonBody(redrive.into())))
    }
}
