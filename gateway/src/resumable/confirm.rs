//! Notes in the database what of an upload is in the store, so that its offset can be told.

use api::ApiState;
use api::http::problem::Problem;
use futures::future::BoxFuture;
use media::UploadId;
use media::uploads::Part;
use media::uploads::resumable::{self, Advance, Tail};

use super::held::displaced;
use super::part::bounded;

/// A confirmation on its way.
pub type Confirming = BoxFuture<'static, Result<Confirmed, Problem>>;

/// What the database has of an upload.
#[derive(Debug)]
pub struct Confirmed {
    /// All bytes before it would survive the death of this process.
    pub offset: u64,
    /// Those of them that are in no part.
    pub tail: Option<Tail>,
}

/// Confirms parts and tail for a request that has taken the upload, by its epoch. One statement, which changes nothing
/// where another request has taken it since.
pub async fn confirm(
    state: ApiState,
    (upload_id, epoch): (UploadId, i64),
    parts: Vec<Part>,
    confirmed: Confirmed,
) -> Result<Confirmed, Problem> {
    let advance = async {
        let mut connection = media::pool::borrow(&state.pool).await?;
        let to = Advance {
            offset_bytes: confirmed.offset,
            parts: &parts,
            tail: confirmed.tail.as_ref(),
        };
        let now = state.now();
        Ok(resumable::advance(&mut connection, upload_id, epoch, to, now).await?)
    };
    if bounded(advance).await? {
        Ok(confirmed)
    } else {
        Err(displaced())
    }
}
