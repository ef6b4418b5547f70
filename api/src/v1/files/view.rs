//! How a file looks to its owner.

use media::files::{File, FileStatus, Outcome, Published};
use media::{RejectedAt, keys};
use poem_openapi::{Enum, Object};
use uuid::Uuid;
use workflows::inspect::{RunSummary, StepSummary};

use super::placeholder::PlaceholderView;
use crate::contract::{Count, Time};
use crate::v1::codes::{self, RejectionCode, RunState, StepState, WarningCode};
use crate::v1::metadata::Metadata;

/// Where a file is on its route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename = "FileStatus", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// The client may still be sending bytes.
    Pending,
    /// The upload is complete; the file is being put together, scanned and probed.
    Assembling,
    /// Scanned and within limits.
    Validated,
    /// Variants are being made.
    Processing,
    /// Every variant is served.
    Ready,
    /// Refused for good; see the rejection.
    Rejected,
}

impl From<FileStatus> for Status {
    fn from(status: FileStatus) -> Self {
        match status {
            FileStatus::Pending => Self::Pending,
            FileStatus::Assembling => Self::Assembling,
            FileStatus::Validated => Self::Validated,
            FileStatus::Processing => Self::Processing,
            FileStatus::Ready => Self::Ready,
            FileStatus::Rejected => Self::Rejected,
        }
    }
}

impl From<Status> for FileStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Assembling => Self::Assembling,
            Status::Validated => Self::Validated,
            Status::Processing => Self::Processing,
            Status::Ready => Self::Ready,
            Status::Rejected => Self::Rejected,
        }
    }
}

/// How a file ended, beside its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub enum FileOutcome {
    /// It has not ended yet.
    None,
    /// Every variant is served: READY.
    Ready,
    /// It was refused: REJECTED, with the reason.
    Rejected,
    /// An operator ended its processing.
    Cancelled,
    /// The service failed; its operators are looking into it.
    Failed,
}

impl From<Outcome> for FileOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::None => Self::None,
            Outcome::Ready => Self::Ready,
            Outcome::Rejected => Self::Rejected,
            Outcome::Cancelled => Self::Cancelled,
            Outcome::Failed => Self::Failed,
        }
    }
}

impl From<FileOutcome> for Outcome {
    fn from(outcome: FileOutcome) -> Self {
        match outcome {
            FileOutcome::None => Self::None,
            FileOutcome::Ready => Self::Ready,
            FileOutcome::Rejected => Self::Rejected,
            FileOutcome::Cancelled => Self::Cancelled,
            FileOutcome::Failed => Self::Failed,
        }
    }
}

/// A file as its owner sees it.
#[derive(Debug, Object)]
#[oai(rename = "File", skip_serializing_if_is_none)]
pub struct FileView {
    /// Id of the file.
    pub file_id: Uuid,
    /// The upload it came by.
    pub upload_id: Uuid,
    /// Its name, as declared.
    pub filename: String,
    /// Its media type, as declared; `application/octet-stream` if none was.
    pub declared_content_type: String,
    /// Size in bytes, as declared.
    pub declared_size_bytes: Count,
    /// What was given with its upload to be found again here.
    pub metadata: Metadata,
    /// Where it is on its route.
    pub status: Status,
    /// Whether this is how it stays, so that there is no use in asking again. Only an operator who sends the file
    /// through again changes it.
    #[oai(rename = "final")]
    pub is_final: bool,
    /// How the file ended, or `none` while it has not.
    pub outcome: FileOutcome,
    /// Its media type, as detected from its bytes. Known once validated.
    pub content_type: Option<String>,
    /// Size in bytes, as measured. Known once validated.
    pub size_bytes: Option<Count>,
    /// SHA-256 of its bytes, in hexadecimal. Known once validated.
    #[oai(validator(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: Option<String>,
    /// Where its main variant is served. Known once ready.
    pub cdn_url: Option<String>,
    /// What to show while its picture is loading: of an image, a film, a document, or a sound with a cover. Known once
    /// ready.
    pub placeholder: Option<PlaceholderView>,
    /// Why it was refused.
    pub rejection: Option<RejectionView>,
    /// What is to be known of it though it was taken. `/docs/errors` explains each.
    pub warnings: Vec<WarningCode>,
    /// When its upload began.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

impl FileView {
    /// A file with its address.
    pub fn new(file: File, cdn_base_url: &str) -> Self {
        let facts = file.facts;
        let url = |published: Published| keys::served_url(cdn_base_url, &published.main_key);
        Self {
            file_id: file.file_id.0,
            upload_id: file.upload_id.0,
            filename: file.filename,
            declared_content_type: file.declared_mime_type,
            declared_size_bytes: file.declared_size_bytes.into(),
            metadata: Metadata(file.metadata),
            status: file.status.into(),
            is_final: file.outcome.is_final(),
            outcome: file.outcome.into(),
            content_type: facts.as_ref().map(|facts| facts.mime_type.clone()),
            size_bytes: facts.as_ref().map(|facts| facts.size_bytes.into()),
            sha256: facts.map(|facts| facts.sha256.to_hex()),
            cdn_url: file.published.map(url),
            placeholder: file.placeholder.map(Into::into),
            rejection: file.rejection.map(Into::into),
            warnings: file.warnings.into_iter().map(Into::into).collect(),
            created_at: file.created_at.into(),
            updated_at: file.updated_at.into(),
        }
    }
}

/// Why a file was refused.
#[derive(Debug, Object)]
#[oai(rename = "Rejection", skip_serializing_if_is_none)]
pub struct RejectionView {
    /// The stable name of the cause.
    pub code: RejectionCode,
    /// Where the code is explained: a path of this service.
    pub doc_url: String,
    /// What is wrong, for people.
    pub message: String,
    /// What is allowed, with its unit.
    pub limit: Option<String>,
    /// What was found, with its unit.
    pub measured: Option<String>,
    /// The step that refused.
    pub step: String,
}

impl From<RejectedAt> for RejectionView {
    fn from(RejectedAt { rejection, step }: RejectedAt) -> Self {
        Self {
            code: rejection.code.into(),
            doc_url: codes::rejection_path(rejection.code),
            message: rejection.message,
            limit: rejection.limit,
            measured: rejection.measured,
            step,
        }
    }
}

/// The processing of a file: state of its run and of each step.
#[derive(Debug, Object)]
#[oai(rename = "FileProcessing", skip_serializing_if_is_none)]
pub struct RunView {
    /// Id of the run.
    pub run_id: Uuid,
    /// State of the run.
    pub state: RunState,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// Its steps, in order.
    pub steps: Vec<StepView>,
}

/// A step of the processing.
#[derive(Debug, Object)]
#[oai(rename = "FileProcessingStep", skip_serializing_if_is_none)]
pub struct StepView {
    /// Durable name of the step.
    pub name: String,
    /// State of the step. A step that was not reached yet is not listed.
    pub state: StepState,
    /// How many of its tasks are done.
    pub done: Count,
    /// How many tasks it has.
    pub total: Count,
    /// How often its tasks were tried.
    pub attempts: Count,
    /// What went wrong last, of a step that is not done. Only for keys with the scope `admin`.
    pub last_error: Option<String>,
}

impl RunView {
    /// A run; what went wrong inside is for operators only.
    pub fn new(run: RunSummary, with_errors: bool) -> Self {
        let step = |step: StepSummary| StepView {
            last_error: step
                .last_error
                .filter(|_| with_errors && step.state != workflows::StepState::Done),
            name: step.name,
            state: step.state.into(),
            done: step.done.into(),
            total: step.total.into(),
            attempts: step.attempts.into(),
        };
        Self {
            run_id: run.run_id.0,
            state: run.state.into(),
            started_at: run.started_at.into(),
            ended_at: run.ended_at.map(Into::into),
            steps: run.steps.into_iter().map(step).collect(),
        }
    }
}
