//! `GET /v1/files`: an owner's files by pages. A cursor names the last file seen, so pages neither repeat nor skip
//! while files are added.

use std::fmt::Write as _;

use media::OwnerId;
use media::files::{self, Cursor, FileStatus};
use poem_openapi::Object;
use poem_openapi::types::ToJSON as _;

use super::cursor;
use super::view::{FileView, Status};
use crate::ApiState;
use crate::problem::{Code, Problem};

/// One page of files.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct FilePage {
    /// The files, newest first.
    pub files: Vec<FileView>,
    /// Where the next page begins; absent on the last page.
    #[oai(validator(pattern = "^[0-9a-f]{48}$"))]
    pub next_cursor: Option<String>,
    /// Path of the next page; absent on the last page.
    pub next: Option<String>,
}

/// Reads a page. `limit` is 1 to 100.
pub async fn run(
    state: &ApiState,
    owner_id: &OwnerId,
    limit: u32,
    after: Option<&str>,
    status: Option<Status>,
) -> Result<FilePage, Problem> {
    let unreadable = || Problem::new(Code::InvalidParameter, "cursor: it is none of ours");
    let after = after
        .map(|text| cursor::decode(text).ok_or_else(unreadable))
        .transpose()?;
    let mut connection = media::pool::borrow(&state.pool).await?;
    let wanted = status.map(FileStatus::from);
    // One more than asked for tells whether there is a next page.
    let mut files = files::list(&mut connection, owner_id, after, limit + 1, wanted).await?;
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = files.len() > page;
    files.truncate(page);
    let next_cursor = files.last().filter(|_| more).map(|file| {
        cursor::encode(&Cursor {
            created_at: file.created_at,
            file_id: file.file_id,
        })
    });
    let next = next_cursor.as_ref().map(|cursor| {
        let mut path = format!("/v1/files?limit={limit}&cursor={cursor}");
        if let Some(status) = status.and_then(|status| status.to_json()) {
            // Writing to a String cannot fail.
            let _ = write!(path, "&status={}", status.as_str().unwrap_or_default());
        }
        path
    });
    Ok(FilePage {
        files: files.into_iter().map(Into::into).collect(),
        next_cursor,
        next,
    })
}
