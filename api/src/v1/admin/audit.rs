//! `/v1/admin/audit`: who did what, when and why.

use poem::web::Data;
use poem_openapi::param::Query;
use poem_openapi::{ApiResponse, OpenApi};
use workflows::admin::audit;

use super::view::AuditPage;
use super::{ListErrors, Tag, default_limit};
use crate::ApiState;
use crate::http::auth::{Admin, Caller};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, Refused};

/// The operation on the audit.
#[derive(Debug, Clone, Copy)]
pub struct AuditApi;

#[derive(ApiResponse)]
enum Listed {
    /// One page, newest first.
    #[oai(status = 200)]
    Ok(JsonBody<AuditPage>),
}

#[OpenApi(prefix_path = "/v1/admin/audit", tag = "Tag::Admin")]
impl AuditApi {
    /// List what operators did
    ///
    /// Through this API and on the command line; newest first, by pages. Needs the scope `admin`.
    #[oai(path = "/", method = "get", operation_id = "listAudit")]
    async fn list(
        &self,
        state: Data<&ApiState>,
        _caller: Caller<Admin>,
        /// Only what was done to this: the id of a run, a letter or a re-drive, or the name of a queue.
        #[oai(validator(max_length = 1000, pattern = r"^[^\x00]*$"))]
        target: Query<Option<String>>,
        /// Where the page begins: `next_cursor` of the page before. Opaque.
        #[oai(validator(max_length = 64, pattern = "^[0-9a-f-]+$"))]
        cursor: Query<Option<String>>,
        /// Most entries on a page.
        #[oai(
            default = "default_limit",
            validator(minimum(value = "1"), maximum(value = "100"))
        )]
        limit: Query<u32>,
    ) -> Result<Listed, Refused<ListErrors>> {
        // One more than asked for tells whether there is a next page.
        let wanted = i64::from(limit.0) + 1;
        let before = before(cursor.0.as_deref())?;
        let entries = audit::list(&state.pool, target.0.as_deref(), before, wanted).await;
        let entries = entries.map_err(Problem::from)?;
        let limit = usize::try_from(limit.0).unwrap_or(usize::MAX);
        Ok(Listed::Ok(JsonBody(AuditPage::new(entries, limit))))
    }
}

/// The entry behind which the page begins.
fn before(cursor: Option<&str>) -> Result<Option<i64>, Problem> {
    let unreadable = |_| Problem::parameter("cursor", "is not a cursor of this list");
    let before = cursor.map(|text| i64::from_str_radix(text, 16)).transpose();
    before.map_err(unreadable)
}
