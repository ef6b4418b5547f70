//! `GET /v1/files`: an owner's files by pages. A cursor names the last file seen, so pages neither repeat nor skip
//! while files are added.

use std::fmt::Write as _;

use media::OwnerId;
use media::files::{self, Cursor, FileStatus, Outcome};
use poem_openapi::Object;
use poem_openapi::types::ToJSON as _;

use super::cursor;
use super::view::{FileOutcome, FileView, Status};
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

/// Which files. What is `None` does not matter.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Where they are on their route.
    pub status: Option<Status>,
    /// How they stand.
    pub outcome: Option<FileOutcome>,
}

impl Wanted {
    /// As it is asked for.
    fn query(self) -> String {
        let status = self.status.and_then(|status| status.to_json());
        let outcome = self.outcome.and_then(|outcome| outcome.to_json());
        let asked = [("status", status), ("outcome", outcome)];
        asked
            .iter()
            .fold(String::new(), |mut query, (name, value)| {
                if let Some(value) = value.as_ref().and_then(|value| value.as_str()) {
                    // Writing to a String cannot fail.
                    let _ = write!(query, "&{name}={value}");
                }
                query
            })
    }
}

/// Reads a page. `limit` is 1 to 100.
pub async fn run(
    state: &ApiState,
    owner_id: &OwnerId,
    limit: u32,
    after: Option<&str>,
    wanted: Wanted,
) -> Result<FilePage, Problem> {
    let unreadable = || Problem::new(Code::InvalidParameter, "cursor: it is none of ours");
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
    let next = next_cursor
        .as_ref()
        .map(|cursor| format!("/v1/files?limit={limit}&cursor={cursor}{}", wanted.query()));
    Ok(FilePage {
        files: files.into_iter().map(Into::into).collect(),
        next_cursor,
        next,
    })
}
