//! Whether an owner has room for one more upload.

use media::OwnerId;
use media::owners::{self, OverQuota, Owner};
use media::upload_tokens::Grant;
use poem::http::{HeaderValue, header};
use sqlx::PgConnection;

use crate::ApiState;
use crate::http::problem::{Code, Problem, QuotaProblem};

/// Before anything is opened in the store. Requests at the same time may each find the last place free here.
pub async fn early(state: &ApiState, owner_id: &OwnerId, bytes: u64) -> Result<(), Problem> {
    let mut connection = media::pool::borrow(&state.pool).await?;
    let owner = owners::get(&mut connection, owner_id).await?;
    ensure(state, &mut connection, owner_id, &owner, bytes).await
}

/// In the transaction that opens the upload: nobody else takes the place until it ends.
pub async fn take(
    state: &ApiState,
    tx: &mut PgConnection,
    owner_id: &OwnerId,
    bytes: u64,
) -> Result<(), Problem> {
    let owner = owners::lock(tx, owner_id).await?;
    ensure(state, tx, owner_id, &owner, bytes).await
}

async fn ensure(
    state: &ApiState,
    conn: &mut PgConnection,
    owner_id: &OwnerId,
    owner: &Owner,
    bytes: u64,
) -> Result<(), Problem> {
    let quota = &state.config.quota;
    let most = owner.may(quota).max_open_uploads;
    let open = owners::count_open(conn, owner_id, state.now(), most).await?;
    owner.room(quota, bytes, open).map_err(refused)
}

fn refused(over: OverQuota) -> Problem {
    let detail = over.to_string();
    match over {
        OverQuota::OpenUploads { limit, open } => Problem::new(Code::TooManyOpenUploads, detail)
            .measured(
                format!("{limit} open uploads"),
                format!("{open} open uploads"),
            )
            .header(header::RETRY_AFTER, HeaderValue::from_static("60")),
        OverQuota::Held {
            resource,
            limit,
            used,
            asked,
        } => Problem::new(Code::QuotaExceeded, detail).quota(QuotaProblem {
            resource: resource.as_str().to_owned(),
            limit: limit.into(),
            used: used.into(),
            asked: asked.into(),
        }),
    }
}

/// The token allows no more uploads, or none of this size.
pub fn token_used_up(token: &Grant, bytes: u64) -> Problem {
    let (resource, limit, used, asked) = if token.files >= token.max_files {
        let (limit, used) = (token.max_files.into(), token.files.into());
        ("files", limit, used, 1)
    } else {
        ("bytes", token.max_bytes, token.bytes, bytes)
    };
    let detail = format!(
        "{asked} more {resource} were asked for; the upload token allows {limit}, of which {used} are used"
    );
    Problem::new(Code::QuotaExceeded, detail).quota(QuotaProblem {
        resource: resource.to_owned(),
        limit: limit.into(),
        used: used.into(),
        asked: asked.into(),
    })
}
