//! `/v1/files`: what became of the uploads. One file for each verb.

mod cursor;
pub mod get;
pub mod list;
mod view;

use media::FileId;
use media::api_keys::Scope;
use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::{ApiResponse, OpenApi, Tags};
use uuid::Uuid;

use self::get::FileDetail;
use self::list::FilePage;
pub use self::view::Status;
use crate::ApiState;
use crate::auth::{Caller, FilesRead};
use crate::body::JsonBody;
use crate::problem::{Refused, Statuses};

/// The operations on files.
#[derive(Debug, Clone, Copy)]
pub struct FilesApi;

#[derive(Tags)]
enum Tag {
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
enum Page {
    /// One page, newest first.
    #[oai(status = 200)]
    Ok(JsonBody<FilePage>),
}

struct GetErrors;
impl Statuses for GetErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 404, 500, 503];
}

struct ListErrors;
impl Statuses for ListErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 500, 503];
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
        /// The file.
        file_id: Path<Uuid>,
    ) -> Result<Found, Refused<GetErrors>> {
        let with_errors = caller.principal.may(Scope::Admin);
        let file = get::run(&state, caller.owner_id(), FileId(file_id.0), with_errors).await?;
        Ok(Found::Ok(JsonBody(file)))
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
    ) -> Result<Page, Refused<ListErrors>> {
        let page = list::run(
            &state,
            caller.owner_id(),
            limit.0,
            cursor.0.as_deref(),
            status.0,
        );
        Ok(Page::Ok(JsonBody(page.await?)))
    }
}

fn default_limit() -> u32 {
    20
}
