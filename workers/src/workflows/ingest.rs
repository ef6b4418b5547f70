//! From a completed upload to a READY file: the route of a file, whole.

use std::{sync::Arc, time::Duration};

use media::{
    FileId, RejectionCode,
    files::{self, FileStatus, Kept, Refused, Stopped, UploadedFile},
};
use sqlx::PgConnection;
use workflows::{BoxError, Outcome, Revival, RunEnd, Starter, Step, Workflow};

use super::discard;
use crate::{
    errors,
    steps::{
        assemble::Assemble, probe::Probe, promote::Promote, publish::Publish, render::Render,
        scan::Scan,
    },
    tools::Tools,
};

const NAME: &str = "ingest";
const VERSION: i32 = 1;

/// Where runs enter, for processes that start them and work on none.
pub fn starter() -> Starter<UploadedFile> {
    Starter::at::<Assemble>(NAME, VERSION)
}

/// The route.
pub fn workflow(tools: &Arc<Tools>) -> Workflow<UploadedFile> {
    let kept = tools.kept;
    Workflow::named(NAME, VERSION)
        .step(Assemble(tools.clone()))
        .step(Scan(tools.clone()))
        .step(Probe(tools.clone()))
        .step(Promote(tools.clone()))
        .fan_out(Render(tools.clone()))
        .join(Publish(tools.clone()))
        .on_end(move |tx, end| Box::pin(ended(tx, end, kept)))
        .on_revive(|tx, revival| Box::pin(revived(tx, revival)))
        .build()
}

/// Every end of a run is recorded with its file, and what is no longer needed of the file goes when
/// its time has come. A dead run has not ended: its file keeps everything, for whoever re-drives it.
async fn ended(tx: &mut PgConnection, end: RunEnd, kept: Kept) -> Result<(), BoxError> {
    let file_id = FileId(end.subject);
    let after = match end.outcome {
        Outcome::Succeeded => Duration::ZERO,
        Outcome::Rejected(rejected) => {
            let rejected = errors::recorded(&rejected)?;
            files::mark_rejected(tx, file_id, &rejected).await?;
            match rejected.rejection.code {
                RejectionCode::Infected => Duration::ZERO,
                _ => kept.0,
            }
        }
        Outcome::Dead { .. } => {
            files::mark_stopped(tx, file_id, Stopped::Failed).await?;
            return Ok(());
        }
        Outcome::Cancelled { .. } => {
            files::mark_stopped(tx, file_id, Stopped::Cancelled).await?;
            kept.0
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
async fn revived(tx: &mut PgConnection, revival: Revival) -> Result<(), BoxError> {
    let from = revival.from_step.as_deref().map(|step| match step {
        Assemble::NAME | Scan::NAME | Probe::NAME => FileStatus::Assembling,
        Promote::NAME => FileStatus::Validated,
        _ => FileStatus::Processing,
    });
    files::revive(tx, FileId(revival.subject), from).await?;
    Ok(())
}
