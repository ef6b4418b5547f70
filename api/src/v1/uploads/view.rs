//! How an upload looks to its client, and the signing of its URLs.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use media::times;
use media::uploads::{Upload, UploadState};
use poem_openapi::{Object, Union};
use storage::PresignedRequest;
use uuid::Uuid;

use crate::ApiState;
use crate::contract::{Count, Time};
use crate::http::problem::{Code, Problem};

/// An upload, ready to be sent.
#[derive(Debug, Object)]
#[oai(rename = "Upload")]
pub struct UploadView {
    /// The file this upload will become.
    pub file_id: Uuid,
    /// Id of the upload.
    pub upload_id: Uuid,
    /// When the upload is given up unless it is complete.
    pub expires_at: Time,
    /// How to send the bytes.
    pub upload: Instructions,
}

/// How to send the bytes: in one piece up to 5 MiB, in parts above.
#[derive(Debug, Union)]
#[oai(
    rename = "UploadInstructions",
    discriminator_name = "strategy",
    one_of,
    rename_all = "snake_case"
)]
pub enum Instructions {
    /// One request.
    Single(SingleUpload),
    /// One request for each part, in any order, several at a time.
    Multipart(MultipartUpload),
}

/// Send the whole file with this request.
#[derive(Debug, Object)]
pub struct SingleUpload {
    /// The HTTP method to use.
    pub method: String,
    /// The address, which is a secret and expires.
    pub url: String,
    /// Headers to send exactly so.
    pub headers: BTreeMap<String, String>,
    /// When the address expires.
    pub expires_at: Time,
}

/// Send each part with its own request, then complete the upload.
#[derive(Debug, Object)]
pub struct MultipartUpload {
    /// Bytes of every part but the last, which has the rest.
    pub part_size_bytes: Count,
    /// How many parts there are.
    #[oai(validator(minimum(value = "1"), maximum(value = "10000")))]
    pub part_count: u16,
    /// The first parts, at most 100. Ask `urls` for the others, and for fresh addresses of any.
    pub parts: Vec<PartUrl>,
}

/// Send one part with this request.
#[derive(Debug, Object)]
pub struct PartUrl {
    /// Which part, from 1.
    #[oai(validator(minimum(value = "1"), maximum(value = "10000")))]
    pub part_number: u16,
    /// Its exact size.
    pub size_bytes: Count,
    /// The HTTP method to use.
    pub method: String,
    /// The address, which is a secret and expires.
    pub url: String,
    /// Headers to send exactly so.
    pub headers: BTreeMap<String, String>,
    /// When the address expires.
    pub expires_at: Time,
}

/// Refuses what an ended upload cannot do any more.
pub fn ensure_open(upload: &Upload, now: DateTime<Utc>) -> Result<(), Problem> {
    let (code, detail) = match upload.state {
        UploadState::Open if upload.expires_at > now => return Ok(()),
        UploadState::Open => (Code::UploadExpired, expired(upload)),
        // Upkeep has seen to it.
        UploadState::Aborted(at) if at >= upload.expires_at => {
            (Code::UploadExpired, expired(upload))
        }
        UploadState::Completed(at) => (
            Code::UploadCompleted,
            format!("it was completed at {}", times::text(at)),
        ),
        UploadState::Aborted(at) => (
            Code::UploadAborted,
            format!("it was aborted at {}", times::text(at)),
        ),
    };
    Err(Problem::new(code, detail).file(upload.file_id.0))
}

fn expired(upload: &Upload) -> String {
    format!(
        "it could be finished until {}",
        times::text(upload.expires_at)
    )
}

/// Signs one part, or the single PUT as part 1. `None` for a part outside the plan.
pub async fn sign(
    state: &ApiState,
    upload: &Upload,
    part_number: u16,
) -> Result<Option<PartUrl>, Problem> {
    let signed = sign_all(state, upload, &[part_number]).await?;
    Ok(signed.into_iter().next())
}

/// Signs parts of the plan, in their order. Those outside the plan are left out.
pub async fn sign_all(
    state: &ApiState,
    upload: &Upload,
    part_numbers: &[u16],
) -> Result<Vec<PartUrl>, Problem> {
    let (key, expires_in) = (&upload.object_key, lifetime(state, upload));
    let sizes = part_numbers.iter().filter_map(|number| {
        let size_bytes = upload.plan.part_size(*number)?;
        Some((*number, size_bytes))
    });
    let sizes: Vec<(u16, u64)> = sizes.collect();
    let signed = match (&upload.s3_upload_id, sizes.first()) {
        (Some(id), _) => {
            state
                .store
                .presign_parts(key, id, &sizes, expires_in)
                .await?
        }
        (None, Some((_, size_bytes))) => {
            vec![
                state
                    .store
                    .presign_put(key, *size_bytes, expires_in)
                    .await?,
            ]
        }
        (None, None) => Vec::new(),
    };
    let part = |((part_number, size_bytes), signed): ((u16, u64), PresignedRequest)| PartUrl {
        part_number,
        size_bytes: size_bytes.into(),
        method: signed.method,
        url: signed.url,
        headers: signed.headers.into_iter().collect(),
        expires_at: signed.expires_at.into(),
    };
    Ok(sizes.into_iter().zip(signed).map(part).collect())
}

/// A URL never outlives its upload, but lives for a second at least.
pub fn lifetime(state: &ApiState, upload: &Upload) -> Duration {
    let left = upload.expires_at - state.now();
    left.min(state.config.url_lifetime)
        .to_std()
        .unwrap_or_default()
        .max(Duration::from_secs(1))
}
