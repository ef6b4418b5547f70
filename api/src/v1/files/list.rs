//! `GET /v1/files`: an owner's files by pages. A cursor names the last file seen, so pages neither repeat nor skip
//! while files are added.

use media::OwnerId;
use media::files::{self, Cursor, FileStatus, Outcome};
use poem_openapi::Object;

use super::cursor;
use super::view::{FileOutcome, FileView, Status};
use crate::ApiState;
use crate::http::problem::Problem;

/// One page of files.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct FilePage {
    /// The files, newest first.
    pub items: Vec<FileView>,
    /// Give it as `cursor` for the next page; absent on the last page.
    pub next_cursor: Option<String>,
}

/// Which files. What is `None` does not matter.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Where they are on their route.
    pub status: Option<Status>,
    /// How they stand.
    pub outcome: Option<FileOutcome>,
}

/// Reads a page. `limit` is 1 to 100.
pub async fn run(
    state: &ApiState,
    owner_id: &OwnerId,
    limit: u32,
    after: Option<&str>,
    wanted: Wanted,
) -> Result<FilePage, Problem> {
    let unreadable = || Problem::parameter("cursor", "is not a cursor of this list");
    let after = after
        .map(|text| cursor::decode(text).ok_or_else(unreadable))
        .transpose()?;
    let mut connection = media::pool::borrow(&state.pool).await?;
    let (status, outcome) = (
        wanted.status.map(FileStatus::from),
        wanted.outcome.map(Outcome::from),
    );
    // One more than asked for tells whether there is a next page.
    let files = files::list(&mut connection, owner_id, after, limit + 1, status, outcome);
    let mut files = files.await?;
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = files.len() > page;
    files.truncate(page);
    let next_cursor = files.last().filter(|_| more).map(|file| {
        cursor::encode(&Cursor {
            created_at: file.created_at,
            file_id: file.file_id,
        })
    });
    let base = &state.config.cdn_base_url;
    let files = files.into_iter();
    Ok(FilePage {
        items: files.map(|file| FileView::new(file, base)).collect(),
        next_cursor,
    })
}
