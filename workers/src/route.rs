//! The route of a file, whole.

use std::time::Duration;

use media::{
    FileId, RejectionCode,
    files::{self, FileStatus, Kept, Refused, Stopped, UploadedFile},
};
use sqlx::PgConnection;
use workflows::{
    BoxError, Outcome, Revival, RunEnd, RunHooks, Workflow,
    admin::{Hooks, check::Build},
};

use crate::{
    assemble::Assemble,
    discard::Discard,
    errors,
    finalize::Finalize,
    promote::Promote,
    scan::Scan,
    tools::Context,
    transcode::Transcode,
    upkeep::{Round, Upkeep},
    validate::Validate,
};

/// From a completed upload to a READY file. Files that are refused are kept for as long as `kept`
/// says.
pub fn ingest(kept: Kept) -> Workflow<UploadedFile, Context> {
    Workflow::named("ingest", 2)
        .step::<Assemble>()
        .step::<Scan>()
        .step::<Validate>()
        .step::<Promote>()
        .fan_out::<Transcode>()
        .join::<Finalize>()
        .hooks(FileHooks { kept })
        .build()
}

/// Removes what is no longer needed of a file that came to its end.
pub fn discard() -> Workflow<Refused, Context> {
    Workflow::named("discard", 1).step::<Discard>().build()
}

/// What is done by the clock, every [`UPKEEP_EVERY`](crate::UPKEEP_EVERY).
pub fn upkeep() -> Workflow<Round, Context> {
    Workflow::named("upkeep", 1).step::<Upkeep>().build()
}

/// Every step of all, by name: what this build can go on with. No step runs.
pub fn build() -> Build {
    Build::default()
        .with(&ingest(Kept::default()))
        .with(&discard())
        .with(&upkeep())
}

/// What files want to be told when somebody ends their runs or makes them live again.
pub fn hooks(kept: Kept) -> Hooks {
    Hooks::default().with(&ingest(kept))
}

/// A file is told of what becomes of its run.
struct FileHooks {
    kept: Kept,
}

impl RunHooks for FileHooks {
    /// Every end of a run is recorded with its file, and what is no longer needed of the file goes when
    /// its time has come. A dead run has not ended: its file keeps everything, for whoever re-drives it.
    async fn ended(&self, tx: &mut PgConnection, end: RunEnd) -> Result<(), BoxError> {
        let file_id = FileId(end.subject);
        let after = match end.outcome {
            Outcome::Succeeded => Duration::ZERO,
            Outcome::Rejected(rejected) => {
                let rejection = errors::recorded(&rejected);
                files::mark_rejected(tx, file_id, &rejection).await?;
                match rejection.code {
                    RejectionCode::Infected => Duration::ZERO,
                    _ => self.kept.0,
                }
            }
            Outcome::Dead { .. } => {
                files::mark_stopped(tx, file_id, Stopped::Failed).await?;
                return Ok(());
            }
            Outcome::Cancelled { .. } => {
                files::mark_stopped(tx, file_id, Stopped::Cancelled).await?;
                self.kept.0
            }
        };
        let Some(file) = files::load(tx, file_id).await? else {
            return Ok(());
        };
        files::keep(tx, file_id, after).await?;
        let refused = Refused {
            upload_id: file.upload_id,
        };
        discard()
            .starter()
            .delay(after)
            .start(tx, file.upload_id.0, file.owner_id.as_str(), &refused)
            .await?;
        Ok(())
    }

    /// The file goes on as far back as its run does.
    async fn revived(&self, tx: &mut PgConnection, revival: Revival) -> Result<(), BoxError> {
        let from = revival.from_step.as_deref().map(|step| match step {
            "assemble" | "scan" | "validate" => FileStatus::Assembling,
            "promote" => FileStatus::Validated,
            _ => FileStatus::Processing,
        });
        files::revive(tx, FileId(revival.subject), from).await?;
        Ok(())
    }
}
