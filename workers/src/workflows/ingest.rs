//! From a completed upload to a READY file: the route of a file, whole.

use std::time::Duration;

use media::{
    FileId, RejectionCode,
    files::{self, FileStatus, Kept, Refused, Stopped, UploadedFile},
};
use sqlx::PgConnection;
use workflows::{BoxError, Outcome, Revival, RunEnd, RunHooks, Step, Workflow};

use super::{
    discard,
    replan::{self, Torn},
};
use crate::{
    errors,
    steps::{
        assemble::Assemble, probe::Probe, promote::Promote, publish::Publish, render::Render,
        render_office::RenderOffice, scan::Scan,
    },
    tools::Context,
};

/// The route. Files that are refused are kept for as long as `kept` says.
pub fn workflow(kept: Kept) -> Workflow<UploadedFile, Context> {
    Workflow::named("ingest", 1)
        .step::<Assemble>()
        .step::<Scan>()
        .step::<Probe>()
        .step::<Promote>()
        .fan_out_or::<Render, RenderOffice>()
        .join::<Publish>()
        .hooks(FileHooks { kept })
        .build()
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
                let rejected = errors::recorded(&rejected)?;
                files::mark_rejected(tx, file_id, &rejected).await?;
                match rejected.rejection.code {
                    RejectionCode::Infected => Duration::ZERO,
                    _ => self.kept.0,
                }
            }
            // Before anybody is bothered, a film is made once more in one piece.
            Outcome::Dead { .. } if files::begin_replan(tx, file_id).await? => {
                if let Some(file) = files::load(tx, file_id).await? {
                    let owner = file.owner_id.as_str();
                    let torn = Torn { file_id };
                    let starter = replan::starter();
                    starter.start(tx, file.upload_id.0, owner, &torn).await?;
                }
                return Ok(());
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
        discard::starter()
            .delay(after)
            .start(tx, file.upload_id.0, file.owner_id.as_str(), &refused)
            .await?;
        Ok(())
    }

    /// The file goes on as far back as its run does.
    async fn revived(&self, tx: &mut PgConnection, revival: Revival) -> Result<(), BoxError> {
        let from = revival.from_step.as_deref().map(|step| match step {
            Assemble::NAME | Scan::NAME | Probe::NAME => FileStatus::Assembling,
            Promote::NAME => FileStatus::Validated,
            _ => FileStatus::Processing,
        });
        files::revive(tx, FileId(revival.subject), from).await?;
        Ok(())
    }
}
