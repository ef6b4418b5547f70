//! `/v1/admin/redrives`: re-driving many dead letters at a rate. Workers see to it, so it survives restarts.

use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;
use workflows::admin::Actor;
use workflows::admin::redrive::{self, Pace};

use super::view::{LetterFilterView, RedriveCount, RedriveList, RedriveView};
use super::{ActErrors, GetErrors, ListErrors, Reasoned, RequestErrors, Tag};
use crate::ApiState;
use crate::http::auth::{Admin, Caller};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, Refused};

/// The operations on re-drives of many.
#[derive(Debug, Clone, Copy)]
pub struct RedrivesApi;

/// Which dead letters to re-drive, and how fast.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct RequestRedrive {
    /// Which letters. Only open ones, and only those that are dead already.
    filter: LetterFilterView,
    /// Start their runs again from this earlier step. Letters of runs that have not been through it are left as they
    /// are. Left out: from the step that died.
    #[oai(
        validator(min_length = 1, max_length = 200, pattern = r"^[^\x00]*$"),
        nullable
    )]
    from_step: Option<String>,
    /// Change nothing; only count what would be changed.
    #[oai(default)]
    dry_run: bool,
    /// How many a second.
    #[oai(
        default = "default_per_second",
        validator(minimum(value = "0.001"), maximum(value = "10000"))
    )]
    per_second: f64,
    /// How many at most.
    #[oai(
        default = "default_cap",
        validator(minimum(value = "1"), maximum(value = "2147483647"))
    )]
    cap: i32,
    /// Kept in the audit, with the key that asked. Only a dry run needs none.
    #[oai(
        validator(max_length = 1000, pattern = r"^[^\x00]*[^\s\x00][^\x00]*$"),
        nullable
    )]
    reason: Option<String>,
}

fn default_per_second() -> f64 {
    10.0
}

fn default_cap() -> i32 {
    10_000
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
enum Listed {
    /// The re-drives.
    #[oai(status = 200)]
    Ok(JsonBody<RedriveList>),
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
            return Ok(Requested::Counted(JsonBody(RedriveCount {
                matched: matched.into(),
            })));
        }
        let actor = caller.actor();
        let by =
            Actor::new(&actor, body.reason.as_deref().unwrap_or_default()).telling(&state.hooks);
        let pace = Pace {
            per_second: body.per_second,
            cap: body.cap,
        };
        let redrive =
            redrive::request(&state.pool, &filter, body.from_step.as_deref(), pace, by).await;
        let redrive = redrive.map_err(Problem::from)?;
        let location = format!("/v1/admin/redrives/{}", redrive.redrive_id);
        Ok(Requested::Accepted(JsonBody(redrive.into()), location))
    }

    /// List re-drives
    ///
    /// With how far each is, newest first. Needs the scope `admin`.
    #[oai(path = "/", method = "get", operation_id = "listRedrives")]
    async fn list(
        &self,
        state: Data<&ApiState>,
        _caller: Caller<Admin>,
        /// Only those that have not ended.
        #[oai(default)]
        going_on: Query<bool>,
    ) -> Result<Listed, Refused<ListErrors>> {
        let redrives = redrive::list(&state.pool, going_on.0).await;
        let redrives = redrives.map_err(Problem::from)?;
        Ok(Listed::Ok(JsonBody(redrives.into())))
    }

    /// Get a re-drive
    ///
    /// How far it is. Needs the scope `admin`.
    #[oai(path = "/:redrive_id", method = "get", operation_id = "getRedrive")]
    async fn get(
        &self,
        state: Data<&ApiState>,
        _caller: Caller<Admin>,
        /// Id of the re-drive.
        redrive_id: Path<Uuid>,
    ) -> Result<Shown, Refused<GetErrors>> {
        let redrive = redrive::get(&state.pool, redrive_id.0.into()).await;
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
        /// Id of the re-drive.
        redrive_id: Path<Uuid>,
        body: JsonBody<Reasoned>,
    ) -> Result<Shown, Refused<ActErrors>> {
        let actor = caller.actor();
        let redrive = redrive::stop(
            &state.pool,
            redrive_id.0.into(),
            body.0.by(&actor, &state.hooks),
        )
        .await;
        let redrive = redrive.map_err(Problem::from)?;
        Ok(Shown::Ok(JsonBody(redrive.into())))
    }
}
