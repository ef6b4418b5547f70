//! What a client says of a file before its upload is opened, and what is refused by that alone.

use media::uploads::{Declared, ImpossibleSize, Plan, UNDECLARED_TYPE};
use media::{InvalidSha256, Rejection, RejectionCode, Sha256, filename, formats::InputFormat};

use super::initiate::InitiateUpload;
use crate::ApiState;
use crate::http::problem::{Code, Problem};

/// Reads a request to open an upload, and plans it.
pub(super) fn planned(
    state: &ApiState,
    body: InitiateUpload,
    plan: fn(u64, u64) -> Result<Plan, ImpossibleSize>,
) -> Result<(Declared, Plan), Problem> {
    let filename = filename::cleaned(&body.filename)
        .ok_or_else(|| Problem::field("/filename", "must show something of a name"))?;
    let size_bytes = u64::try_from(body.size_bytes).unwrap_or(0);
    let plan = plan(size_bytes, state.config.limits.max_file_bytes).map_err(impossible)?;
    let mime_type = body.content_type.filter(|declared| !declared.is_empty());
    let mime_type = mime_type.unwrap_or_else(|| UNDECLARED_TYPE.to_owned());
    must_be_taken(state, &mime_type, size_bytes)?;
    let metadata = body.metadata.unwrap_or_default().checked()?;
    let declared = Declared {
        filename,
        mime_type,
        sha256: sha256(body.sha256)?,
        metadata,
    };
    Ok((declared, plan))
}

/// Reads the digest of a whole file.
pub fn sha256(hex: Option<String>) -> Result<Option<Sha256>, Problem> {
    let read = hex.map(|hex| hex.parse()).transpose();
    read.map_err(|error: InvalidSha256| Problem::field("/sha256", error.to_string()))
}

/// Refuses a declared type that is not taken here, or not of this size in bytes.
pub fn must_be_taken(state: &ApiState, mime_type: &str, size_bytes: u64) -> Result<(), Problem> {
    match InputFormat::from_declared(mime_type) {
        Some(format) => state
            .config
            .types
            .check(format, size_bytes)
            .map_err(not_taken),
        None => Ok(()),
    }
}

/// What the bytes would be refused for, too.
fn not_taken(refusal: Rejection) -> Problem {
    let code = match refusal.code {
        RejectionCode::FileTooLarge => Code::FileTooLarge,
        _ => Code::UnsupportedType,
    };
    Problem::new(code, refusal.message).measured(
        refusal.limit.unwrap_or_default(),
        refusal.measured.unwrap_or_default(),
    )
}

/// Why no upload can be opened for a file of this size.
pub fn impossible(error: ImpossibleSize) -> Problem {
    match error {
        ImpossibleSize::Empty => Problem::new(Code::FileEmpty, error.to_string()),
        ImpossibleSize::TooLarge {
            size_bytes,
            max_bytes,
        } => Problem::new(Code::FileTooLarge, error.to_string())
            .measured(format!("{max_bytes} bytes"), format!("{size_bytes} bytes")),
    }
}
