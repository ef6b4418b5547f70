//! `POST /v1/plans`: what would be made of a film, before anybody sends it, and what is made of one that was sent.

mod film;
mod view;

use media::{FileId, OwnerId, plans};
use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;
use video::plan::{Plan as VideoPlan, PlanSettings};
use video::probe::VideoProbe;

use self::film::{Film, sketch};
use self::view::Plan;
use crate::ApiState;
use crate::http::auth::{Caller, FilesRead};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, Refused, Statuses};
use crate::v1::files::Tag;

/// The operation on plans.
#[derive(Debug, Clone, Copy)]
pub struct PlansApi;

/// What is asked about: one of both.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct PlanRequest {
    /// A film that nobody has sent yet.
    #[oai(nullable)]
    pub video: Option<Film>,
    /// A film that was sent.
    #[oai(nullable)]
    pub file_id: Option<Uuid>,
}

#[derive(ApiResponse)]
enum Planned {
    /// What would be made, or is.
    #[oai(status = 200)]
    Ok(JsonBody<Plan>),
}

struct PlanErrors;
impl Statuses for PlanErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 503];
}

#[OpenApi(prefix_path = "/v1/plans", tag = "Tag::Files")]
impl PlansApi {
    /// Plan a film
    ///
    /// What would be made of a film with the facts in `video`, and in how many tasks, before anybody sends it; nothing is
    /// stored. Or what is made of the film with the id in `file_id`: it has a plan from when it has been looked at on, and files
    /// of other kinds have none. Needs the scope `files:read`.
    #[oai(path = "/", method = "post", operation_id = "createPlan")]
    async fn plan(
        &self,
        state: Data<&ApiState>,
        caller: Caller<FilesRead>,
        body: JsonBody<PlanRequest>,
    ) -> Result<Planned, Refused<PlanErrors>> {
        let plan = match (body.0.video, body.0.file_id) {
            (Some(film), None) => {
                let sketch = sketch(&state.config.limits, film)?;
                VideoPlan::new(&VideoProbe::sketched(&sketch), &PlanSettings::default())
            }
            (None, Some(file_id)) => {
                let file_id = FileId(file_id);
                of_file(&state, caller.owner_id(), file_id).await?
            }
            _ => {
                let detail = "must be there, or `file_id`, and not both";
                return Err(Problem::field("/video", detail).into());
            }
        };
        Ok(Planned::Ok(JsonBody(Plan::of(&plan))))
    }
}

/// The plan by which a film of the owner is made.
async fn of_file(
    state: &ApiState,
    owner_id: &OwnerId,
    file_id: FileId,
) -> Result<VideoPlan, Problem> {
    let mut connection = media::pool::borrow(&state.pool).await?;
    let plan = plans::get(&mut connection, owner_id, file_id).await?;
    let plan = plan.ok_or_else(|| Problem::not_found("plan"))?;
    let plan = serde_json::from_value(plan);
    Ok(plan.map_err(|error| sqlx::Error::Decode(error.into()))?)
}
