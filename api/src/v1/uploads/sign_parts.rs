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
    for (index, number) in body.part_numbers.iter().enumerate() {
        let detail = match upload.plan.part_size(*number) {
            _ if !seen.insert(*number) => "is there twice".to_owned(),
            Some(_) => continue,
            None => format!("must be 1 to {}", upload.plan.part_count),
        };
        return Err(Problem::field(format!("/part_numbers/{index}"), detail));
    }
    let parts = view::sign_all(state, &upload, &body.part_numbers).await?;
    Ok(PartUrls { parts })
}
