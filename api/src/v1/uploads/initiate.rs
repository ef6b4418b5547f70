//! `POST /v1/uploads`: opens an upload and its PENDING file.

use media::upload_tokens::{self, Grant};
use media::uploads::{
    self, Declared, ImpossibleSize, Plan, Remembered, Strategy, Upload, UploadState,
};
use media::{FileId, OwnerId, Sha256, UploadId, keys};
use poem_openapi::Object;
use sqlx::Connection as _;
use storage::ObjectStore;
use uuid::Uuid;

use super::complete::{self, CompletedUpload};
use super::declare;
use super::room;
use super::view::{self, Instructions, MultipartUpload, PartUrl, SingleUpload, UploadView};
use crate::ApiState;
use crate::http::body::fingerprint;
use crate::http::problem::{Causes, Code, Problem};
use crate::v1::metadata::Metadata;

/// How many parts are signed with the first answer.
const FIRST_PARTS: usize = 100;

/// A file to be sent. What is said here is checked against the bytes later.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none)]
pub struct InitiateUpload {
    /// The file's name, for people to recognise it. Of a path only the last part is kept, without characters that
    /// turn or hide the text around them.
    #[oai(validator(
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*$"
    ))]
    pub filename: String,
    /// The media type the client believes it to be, as `type/subtype` (RFC 9110 §8.3.1), perhaps with parameters. Left
    /// out, empty or `application/octet-stream`: the bytes tell.
    #[oai(
        validator(
            max_length = 255,
            pattern = "^([!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+( *;[ -~]*)?)?$"
        ),
        nullable
    )]
    pub content_type: Option<String>,
    /// How many bytes will be sent. A file of 0 bytes is refused as `file_empty`.
    #[oai(validator(minimum(value = "0"), maximum(value = "9007199254740991")))]
    pub size_bytes: i64,
    /// SHA-256 of the whole file, in hexadecimal, if the client knows it.
    #[oai(validator(pattern = "^[0-9a-fA-F]{64}$"), nullable)]
    pub sha256: Option<String>,
    /// What you want to find again beside the file: texts by names of up to 64 visible ASCII characters, at most 4096
    /// bytes in all. It is given back as it is, and used for nothing.
    #[oai(nullable)]
    pub metadata: Option<Metadata>,
}

/// What a request to open an upload finds.
#[derive(Debug)]
pub enum Opened {
    /// An open upload, of this request or of an earlier one with the same key.
    Open(UploadView),
    /// The earlier request's upload is complete.
    Complete(CompletedUpload),
}

/// Opens an upload, or finds the one that the same idempotency key opened before.
pub async fn run(
    state: &ApiState,
    owner_id: &OwnerId,
    idempotency_key: Option<&str>,
    body: InitiateUpload,
) -> Result<Opened, Problem> {
    let request = fingerprint(&body);
    let key = idempotency_key.map(|key| (key, &request));
    if let Some(upload) = recall(state, owner_id, key).await? {
        return found(state, &upload).await;
    }
    match begin(state, owner_id, key, body, &Terms::default()).await {
        Ok(upload) => found(state, &upload).await,
        // Somebody may have used the key at the same time: theirs is the upload.
        Err(refused) => match recall(state, owner_id, key).await? {
            Some(upload) => found(state, &upload).await,
            None => Err(refused),
        },
    }
}

/// How an upload is planned, and by whose right it is opened.
pub struct Terms<'a> {
    /// How many bytes go into how many parts.
    pub plan: fn(size_bytes: u64, max_bytes: u64) -> Result<Plan, ImpossibleSize>,
    /// The upload token that is used for it, beside the owner's own quota.
    pub token: Option<&'a Grant>,
}

impl Default for Terms<'_> {
    fn default() -> Self {
        Self {
            plan: Plan::new,
            token: None,
        }
    }
}

/// Opens an upload, in the store and in the database.
pub async fn begin(
    state: &ApiState,
    owner_id: &OwnerId,
    key: Option<(&str, &Sha256)>,
    body: InitiateUpload,
    terms: &Terms<'_>,
) -> Result<Upload, Problem> {
    let (declared, plan) = declare::planned(state, body, terms.plan)?;
    open_as(state, owner_id, key, (declared, plan), terms.token).await
}

/// Opens an upload as it was planned, and its PENDING file; with an upload token, if it is opened by its right.
pub async fn open_as(
    state: &ApiState,
    owner_id: &OwnerId,
    key: Option<(&str, &Sha256)>,
    (declared, plan): (Declared, Plan),
    token: Option<&Grant>,
) -> Result<Upload, Problem> {
    room::early(state, owner_id, plan.size_bytes).await?;
    let upload = open(state, owner_id, declared, plan).await?;
    let saved = save(state, &upload, key, token).await;
    if saved.is_err() {
        discard(&state.store, &upload).await;
    }
    saved.map(|()| upload)
}

async fn found(state: &ApiState, upload: &Upload) -> Result<Opened, Problem> {
    if let UploadState::Completed(_) = upload.state {
        return Ok(Opened::Complete(complete::completed(state, upload).await?));
    }
    Ok(Opened::Open(answer(state, upload).await?))
}

async fn recall(
    state: &ApiState,
    owner_id: &OwnerId,
    key: Option<(&str, &Sha256)>,
) -> Result<Option<Upload>, Problem> {
    let Some((key, request)) = key else {
        return Ok(None);
    };
    let mut connection = media::pool::borrow(&state.pool).await?;
    match uploads::recall(&mut connection, owner_id, key, request).await? {
        None => Ok(None),
        Some(Remembered::Same(upload_id)) => {
            let upload = uploads::get(&mut connection, owner_id, upload_id).await?;
            let detail =
                "the file of this Idempotency-Key was deleted; send it again with a new key";
            let upload = upload.ok_or_else(|| Problem::new(Code::FileDeleted, detail))?;
            Ok(Some(upload))
        }
        Some(Remembered::Other) => Err(Problem::new(
            Code::IdempotencyKeyReused,
            "use a new Idempotency-Key for a request with another body",
        )),
    }
}

/// Opens an upload in the object store.
async fn open(
    state: &ApiState,
    owner_id: &OwnerId,
    declared: Declared,
    plan: Plan,
) -> Result<Upload, Problem> {
    let (now, upload_id) = (state.now(), UploadId(Uuid::now_v7()));
    let object_key = keys::staging(upload_id);
    let s3_upload_id = match plan.strategy {
        Strategy::Single => None,
        Strategy::Multipart => Some(state.store.create_multipart(&object_key).await?),
    };
    Ok(Upload {
        upload_id,
        file_id: FileId(Uuid::now_v7()),
        owner_id: owner_id.clone(),
        declared,
        plan,
        object_key,
        s3_upload_id,
        created_at: now,
        expires_at: now + state.config.upload_lifetime,
        state: UploadState::Open,
    })
}

async fn save(
    state: &ApiState,
    upload: &Upload,
    key: Option<(&str, &Sha256)>,
    token: Option<&Grant>,
) -> Result<(), Problem> {
    let mut connection = media::pool::borrow(&state.pool).await?;
    let mut transaction = connection.begin().await?;
    let (owner_id, id, now) = (&upload.owner_id, upload.upload_id, upload.created_at);
    let bytes = upload.plan.size_bytes;
    room::take(state, &mut transaction, owner_id, bytes).await?;
    uploads::initiate(&mut transaction, upload).await?;
    if let Some(token) = token
        && !upload_tokens::spend(&mut transaction, token.token_id, id, bytes).await?
    {
        transaction.rollback().await?;
        return Err(room::token_used_up(token, bytes));
    }
    if let Some((key, request)) = key
        && !uploads::remember(&mut transaction, owner_id, key, request, id, now).await?
    {
        transaction.rollback().await?;
        return Err(Problem::unavailable("the idempotency key came and went"));
    }
    transaction.commit().await?;
    Ok(())
}

/// Best effort: what stays behind is swept by age.
async fn discard(store: &ObjectStore, upload: &Upload) {
    if let Some(id) = &upload.s3_upload_id
        && let Err(error) = store.abort_multipart(&upload.object_key, id).await
    {
        tracing::warn!(error = %Causes(&error), media.upload_id = %upload.upload_id, "cannot abort a multipart upload");
    }
}

async fn answer(state: &ApiState, upload: &Upload) -> Result<UploadView, Problem> {
    view::ensure_open(upload, state.now())?;
    let first: Vec<u16> = upload.plan.part_numbers().take(FIRST_PARTS).collect();
    let mut parts = view::sign_all(state, upload, &first).await?;
    let instructions = match upload.plan.strategy {
        Strategy::Single => {
            let PartUrl {
                method,
                url,
                headers,
                expires_at,
                ..
            } = parts
                .pop()
                .ok_or_else(|| Problem::internal("a plan without parts"))?;
            Instructions::Single(SingleUpload {
                method,
                url,
                headers,
                expires_at,
            })
        }
        Strategy::Multipart => Instructions::Multipart(MultipartUpload {
            part_size_bytes: upload.plan.part_size_bytes.into(),
            part_count: upload.plan.part_count,
            parts,
        }),
    };
    Ok(UploadView {
        file_id: upload.file_id.0,
        upload_id: upload.upload_id.0,
        expires_at: upload.expires_at.into(),
        upload: instructions,
    })
}
