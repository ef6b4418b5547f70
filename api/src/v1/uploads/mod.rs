//! `/v1/uploads`: one file for each verb. The bytes themselves go straight to the object store.

pub mod abort;
pub mod complete;
pub mod declare;
pub mod initiate;
pub mod list_parts;
pub mod room;
pub mod sign_parts;
pub mod view;

pub use self::view::ensure_open;

use media::UploadId;
use poem::web::Data;
use poem_openapi::param::{Header, Path};
use poem_openapi::{ApiResponse, OpenApi, Tags};
use uuid::Uuid;

use self::complete::{CompleteUpload, CompletedUpload};
use self::initiate::{InitiateUpload, Opened};
use self::list_parts::UploadedParts;
use self::sign_parts::{PartNumbers, PartUrls};
use self::view::UploadView;
use crate::ApiState;
use crate::http::auth::{Caller, UploadsWrite};
use crate::http::body::JsonBody;
use crate::http::problem::{Refused, Statuses};
use crate::http::trace::TraceParent;

/// The operations on uploads.
#[derive(Debug, Clone, Copy)]
pub struct UploadsApi;

/// Of sending files.
#[derive(Tags)]
pub enum Tag {
    /// Sending files: initiate, send the bytes to the signed addresses, complete.
    Uploads,
}

#[derive(ApiResponse)]
enum Initiated {
    /// The same `Idempotency-Key` opened an upload before, which is complete: this is its file.
    #[oai(status = 200)]
    Complete(
        JsonBody<CompletedUpload>,
        /// Path of the file.
        #[oai(header = "Location")]
        String,
    ),
    /// The upload is open.
    #[oai(status = 201)]
    Created(
        JsonBody<UploadView>,
        /// Path of the file this upload will become.
        #[oai(header = "Location")]
        String,
    ),
}

#[derive(ApiResponse)]
enum Listed {
    /// What has arrived so far.
    #[oai(status = 200)]
    Ok(JsonBody<UploadedParts>),
}

#[derive(ApiResponse)]
enum Signed {
    /// The addresses asked for.
    #[oai(status = 200)]
    Ok(JsonBody<PartUrls>),
}

#[derive(ApiResponse)]
enum Completed {
    /// The file is being processed.
    #[oai(status = 202)]
    Accepted(
        JsonBody<CompletedUpload>,
        /// Path of the file.
        #[oai(header = "Location")]
        String,
    ),
}

#[derive(ApiResponse)]
enum Aborted {
    /// The upload is over and its bytes are gone.
    #[oai(status = 204)]
    Gone,
}

const OVER: &str = "The upload is over: `upload_completed` or `upload_aborted`.";

struct InitiateErrors;
impl Statuses for InitiateErrors {
    const FORBIDDEN: &'static str = "The API key does not allow this: `scope_missing`; or the owner has as much as they \
                                     may: `quota_exceeded`.";
    const STATUSES: &'static [u16] = &[400, 401, 403, 409, 410, 413, 415, 422, 429, 500, 503];
    const CONFLICT: &'static str =
        "The same `Idempotency-Key` opened an upload before, which was given up: `upload_aborted`.";
    const GONE: &'static str = "The same `Idempotency-Key` opened an upload before, which was not finished in time: \
                                `upload_expired`; or whose file was deleted: `file_deleted`.";
    const TOO_LARGE: &'static str = "Too large: `body_too_large` or `file_too_large`.";
    const TOO_MANY: &'static str = "The owner has as many uploads open as may be: `too_many_open_uploads`; or asked \
                                    too often: `too_many_requests`.";
    const UNPROCESSABLE: &'static str = "A value cannot be used: `invalid_field`, `file_empty`, `unsupported_type` or \
         `idempotency_key_reused`.";
}

struct ReadErrors;
impl Statuses for ReadErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 404, 409, 410, 429, 500, 503];
    const CONFLICT: &'static str = OVER;
}

struct SignErrors;
impl Statuses for SignErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 404, 409, 410, 413, 415, 422, 429, 500, 503];
    const CONFLICT: &'static str = OVER;
}

struct CompleteErrors;
impl Statuses for CompleteErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 404, 409, 410, 413, 415, 422, 429, 500, 503];
    const CONFLICT: &'static str = "Not everything has arrived as planned: `parts_missing`, `size_mismatch` or \
                                    `etag_mismatch`; or the upload was given up: `upload_aborted`.";
}

struct AbortErrors;
impl Statuses for AbortErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 404, 409, 429, 500, 503];
    const CONFLICT: &'static str = "The upload is complete: `upload_completed`.";
}

#[OpenApi(prefix_path = "/v1/uploads", tag = "Tag::Uploads")]
impl UploadsApi {
    /// Initiate an upload
    ///
    /// Opens an upload and its file, which is PENDING. Files up to 5 MiB are sent in one piece, larger ones in parts
    /// of 8 MiB. Any media type may be declared, or none; whether the file is taken is decided by its bytes. A type that
    /// they contradict in kind is refused then; another one of the same kind is noted in the file's `warnings`.
    /// Repeating the request with the same `Idempotency-Key` finds the same upload, with fresh addresses; or its file,
    /// once it is complete. A key whose upload is over opens no second one: it is remembered for a week.
    /// Needs the scope `uploads:write`.
    #[oai(path = "/", method = "post", operation_id = "initiateUpload")]
    async fn initiate(
        &self,
        state: Data<&ApiState>,
        caller: Caller<UploadsWrite>,
        /// Makes repeating the request harmless: a text of your own, new for every new upload.
        #[oai(
            name = "Idempotency-Key",
            validator(min_length = 1, max_length = 255, pattern = "^[!-~]*$")
        )]
        idempotency_key: Header<Option<String>>,
        body: JsonBody<InitiateUpload>,
    ) -> Result<Initiated, Refused<InitiateErrors>> {
        let key = idempotency_key.0.as_deref();
        match initiate::run(&state, caller.owner_id(), key, body.0).await? {
            Opened::Open(upload) => {
                let location = file_path(upload.file_id);
                Ok(Initiated::Created(JsonBody(upload), location))
            }
            Opened::Complete(upload) => {
                let location = file_path(upload.file_id);
                Ok(Initiated::Complete(JsonBody(upload), location))
            }
        }
    }

    /// List the parts that have arrived
    ///
    /// For resuming: what is not listed is to be sent again. A file sent in one piece is part 1.
    /// Needs the scope `uploads:write`.
    #[oai(
        path = "/:upload_id/parts",
        method = "get",
        operation_id = "listUploadParts"
    )]
    async fn list_parts(
        &self,
        state: Data<&ApiState>,
        caller: Caller<UploadsWrite>,
        /// Id of the upload.
        upload_id: Path<Uuid>,
    ) -> Result<Listed, Refused<ReadErrors>> {
        let parts = list_parts::run(&state, caller.owner_id(), UploadId(upload_id.0)).await?;
        Ok(Listed::Ok(JsonBody(parts)))
    }

    /// Sign addresses for parts
    ///
    /// For parts past the first 100, and for parts whose address has expired. A file sent in one piece is part 1.
    /// Needs the scope `uploads:write`.
    #[oai(
        path = "/:upload_id/urls",
        method = "post",
        operation_id = "signUploadParts"
    )]
    async fn sign_parts(
        &self,
        state: Data<&ApiState>,
        caller: Caller<UploadsWrite>,
        /// Id of the upload.
        upload_id: Path<Uuid>,
        body: JsonBody<PartNumbers>,
    ) -> Result<Signed, Refused<SignErrors>> {
        let id = UploadId(upload_id.0);
        let urls = sign_parts::run(&state, caller.owner_id(), id, body.0).await?;
        Ok(Signed::Ok(JsonBody(urls)))
    }

    /// Complete an upload
    ///
    /// Checks that every byte has arrived, as the object store tells it, and hands the file to processing.
    /// Saying it again gives the same answer and does nothing.
    /// Needs the scope `uploads:write`.
    #[oai(
        path = "/:upload_id/complete",
        method = "post",
        operation_id = "completeUpload"
    )]
    async fn complete(
        &self,
        state: Data<&ApiState>,
        caller: Caller<UploadsWrite>,
        /// Id of the upload.
        upload_id: Path<Uuid>,
        trace: Data<&TraceParent>,
        body: JsonBody<Option<CompleteUpload>>,
    ) -> Result<Completed, Refused<CompleteErrors>> {
        let id = UploadId(upload_id.0);
        let completed = complete::run(&state, caller.owner_id(), id, body.0, &trace).await?;
        let location = file_path(completed.file_id);
        Ok(Completed::Accepted(JsonBody(completed), location))
    }

    /// Abort an upload
    ///
    /// Gives the upload up: its bytes are deleted and its file becomes REJECTED with the code `upload_aborted`.
    /// Saying it again does no harm. A completed upload cannot be aborted.
    /// Needs the scope `uploads:write`.
    #[oai(path = "/:upload_id", method = "delete", operation_id = "abortUpload")]
    async fn abort(
        &self,
        state: Data<&ApiState>,
        caller: Caller<UploadsWrite>,
        /// Id of the upload.
        upload_id: Path<Uuid>,
    ) -> Result<Aborted, Refused<AbortErrors>> {
        abort::run(&state, caller.owner_id(), UploadId(upload_id.0)).await?;
        Ok(Aborted::Gone)
    }
}

fn file_path(file_id: Uuid) -> String {
    format!("/v1/files/{file_id}")
}
