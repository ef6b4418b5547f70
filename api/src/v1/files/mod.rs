//! `/v1/files`: what became of the uploads. One file for each verb.

pub mod audio;
pub mod conformance;
mod cursor;
pub mod delete;
pub mod document;
pub mod get;
pub mod list;
pub mod placeholder;
mod progress;
pub mod retry;
mod variant;
mod view;

use media::FileId;
use media::api_keys::Scope;
use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::{ApiResponse, OpenApi, Tags};
use uuid::Uuid;
use workflows::admin::Actor;

use self::conformance::ReportView;
use self::delete::Deletion;
use self::get::FileDetail;
use self::list::FilePage;
use self::view::FileOutcome;
pub use self::view::Status;
use crate::ApiState;
use crate::http::auth::{Caller, FilesRead, UploadsWrite};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, Refused, Statuses};

/// The operations on files.
#[derive(Debug, Clone, Copy)]
pub struct FilesApi;

/// Under which heading the reference shows the operations on files.
#[derive(Tags)]
pub(crate) enum Tag {
    /// Seeing how far a file is, why it was refused, and where its variants are served.
    Files,
}

#[derive(ApiResponse)]
enum Found {
    /// The file.
    #[oai(status = 200)]
    Ok(JsonBody<FileDetail>),
}

#[derive(ApiResponse)]
enum Checked {
    /// The report.
    #[oai(status = 200)]
    Ok(JsonBody<ReportView>),
}

#[derive(ApiResponse)]
enum Page {
    /// One page, newest first.
    #[oai(status = 200)]
    Ok(JsonBody<FilePage>),
}

#[derive(ApiResponse)]
enum Deleted {
    /// The file is gone from every list; its bytes follow.
    #[oai(status = 204)]
    Done,
}

struct GetErrors;
impl Statuses for GetErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 404, 429, 500, 503];
}

struct ListErrors;
impl Statuses for ListErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 429, 500, 503];
}

#[OpenApi(prefix_path = "/v1/files", tag = "Tag::Files")]
impl FilesApi {
    /// Get a file
    ///
    /// Where the file is on its route, what was found in it, why it was refused if it was, and its variants with
    /// their addresses. Needs the scope `files:read`.
    #[oai(path = "/:file_id", method = "get", operation_id = "getFile")]
    async fn get(
        &self,
        state: Data<&ApiState>,
        caller: Caller<FilesRead>,
        /// Id of the file.
        file_id: Path<Uuid>,
    ) -> Result<Found, Refused<GetErrors>> {
        let with_errors = caller.principal.may(Scope::Admin);
        let file = get::run(&state, caller.owner_id(), FileId(file_id.0), with_errors).await?;
        Ok(Found::Ok(JsonBody(file)))
    }

    /// Get the conformance report of a film or a sound
    ///
    /// What was found when its playlists and segments were checked by the rules of HLS, as they lie in storage, before
    /// it became ready. Files of other kinds, and files that are not ready, have none. Needs the scope `files:read`.
    #[oai(
        path = "/:file_id/conformance",
        method = "get",
        operation_id = "getFileConformance"
    )]
    async fn conformance(
        &self,
        state: Data<&ApiState>,
        caller: Caller<FilesRead>,
        /// Id of the file.
        file_id: Path<Uuid>,
    ) -> Result<Checked, Refused<GetErrors>> {
        let report = conformance::run(&state, caller.owner_id(), FileId(file_id.0)).await?;
        Ok(Checked::Ok(JsonBody(report)))
    }

    /// Delete a file
    ///
    /// Whatever its status: an upload is given up, processing ends, and variants and original are removed from storage
    /// soon after. A CDN may serve what it has until its copies expire. Saying it twice does no harm. Needs the scope
    /// `uploads:write`.
    #[oai(path = "/:file_id", method = "delete", operation_id = "deleteFile")]
    async fn delete(
        &self,
        state: Data<&ApiState>,
        caller: Caller<UploadsWrite>,
        /// Id of the file.
        file_id: Path<Uuid>,
    ) -> Result<Deleted, Refused<GetErrors>> {
        let actor = caller.actor();
        let deletion = Deletion {
            pool: &state.pool,
            discards: &state.discards,
            now: state.now(),
            by: Actor::new(&actor, "the owner deleted the file").telling(&state.hooks),
        };
        let deleted = deletion.by_owner(caller.owner_id(), FileId(file_id.0));
        deleted.await.map_err(Problem::from)?;
        Ok(Deleted::Done)
    }

    /// List files
    ///
    /// Your files, newest first, by pages: give `next_cursor` as `cursor` until it is absent.
    /// Needs the scope `files:read`.
    #[oai(path = "/", method = "get", operation_id = "listFiles")]
    async fn list(
        &self,
        state: Data<&ApiState>,
        caller: Caller<FilesRead>,
        /// Most files on a page.
        #[oai(
            default = "default_limit",
            validator(minimum(value = "1"), maximum(value = "100"))
        )]
        limit: Query<u32>,
        /// Where the page begins: `next_cursor` of the page before. Opaque.
        #[oai(validator(max_length = 64, pattern = "^[0-9a-f-]+$"))]
        cursor: Query<Option<String>>,
        /// Only files with this status.
        status: Query<Option<Status>>,
        /// Only files with this outcome.
        outcome: Query<Option<FileOutcome>>,
    ) -> Result<Page, Refused<ListErrors>> {
        let page = list::run(
            &state,
            caller.owner_id(),
            limit.0,
            cursor.0.as_deref(),
            list::Wanted {
                status: status.0,
                outcome: outcome.0,
            },
        );
        Ok(Page::Ok(JsonBody(page.await?)))
    }
}

fn default_limit() -> u32 {
    20
}
