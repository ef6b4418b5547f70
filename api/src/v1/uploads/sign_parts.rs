//! `POST /v1/uploads/{upload_id}/urls`: fresh addresses for parts, when they ran out or are past the first answer.

use std::collections::HashSet;

use media::uploads;
use media::{OwnerId, UploadId};
use poem_openapi::Object;

use super::view::{self, PartUrl};
use crate::ApiState;
use crate::http::problem::Problem;

/// Which parts are to be sent. A single PUT is part 1.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct PartNumbers {
    /// Numbers from 1.
    #[oai(validator(
        min_items = 1,
        max_items = 1000,
        minimum(value = "1"),
        maximum(value = "10000")
    ))]
    pub part_numbers: Vec<u16>,
}

/// Addresses, in the order asked for.
#[derive(Debug, Object)]
pub struct PartUrls {
    /// One for each part asked for.
    pub parts: Vec<PartUrl>,
}

/// Signs the parts asked for.
pub async fn run(
    state: &ApiState,
    owner_id: &OwnerId,
    upload_id: UploadId,
    body: PartNumbers,
) -> Result<PartUrls, Problem> {
    let mut connection = media::pool::borrow(&state.pool).await?;
    let upload = uploads::get(&mut connection, owner_id, upload_id).await?;
    drop(connection);
    let upload = upload.ok_or_else(|| Problem::not_found("upload"))?;
    view::ensure_open(&upload, state.now())?;
    let mut seen = HashSet::new();
    let mut parts = Vec::with_capacity(body.part_numbers.len());
    for (index, number) in body.part_numbers.into_iter().enumerate() {
        if !seen.insert(number) {
            let pointer = format!("/part_numbers/{index}");
            return Err(Problem::field(pointer, "is there twice"));
        }
        let part = view::sign(state, &upload, number).await?;
        parts.push(part.ok_or_else(|| {
            let detail = format!("must be 1 to {}", upload.plan.part_count);
            Problem::field(format!("/part_numbers/{index}"), detail)
        })?);
    }
    Ok(PartUrls { parts })
}
