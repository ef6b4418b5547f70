//! The route of a file, whole.

use std::sync::Arc;

use media::{
    FileId,
    files::{self, UploadedFile},
};
use sqlx::{PgConnection, PgPool};
use workflows::{BoxError, Rejected, Starter, Workflow, admin::check::Build};

use crate::{
    assemble::Assemble,
    discard::{Discard, Refused},
    errors,
    finalize::Finalize,
    promote::Promote,
    scan::Scan,
    tools::Tools,
    transcode::Transcode,
    validate::Validate,
};

const NAME: &str = "ingest";
const DISCARD: &str = "discard";
const VERSION: i32 = 1;

/// Where runs enter, for processes that start them and work on none.
pub fn starter() -> Starter<UploadedFile> {
    Starter::at::<Assemble>(NAME, VERSION)
}

/// From a completed upload to a READY file.
pub fn ingest(tools: &Arc<Tools>) -> Workflow<UploadedFile> {
    Workflow::named(NAME, VERSION)
        .step(Assemble(tools.clone()))
        .step(Scan(tools.clone()))
        .step(Validate(tools.clone()))
        .step(Promote(tools.clone()))
        .fan_out(Transcode(tools.clone()))
        .join(Finalize(tools.clone()))
        .on_reject(|tx, subject, rejected| Box::pin(refuse(tx, FileId(subject), rejected)))
        .build()
}

/// What is left to do for a refused file.
pub fn discard(tools: &Arc<Tools>) -> Workflow<Refused> {
    Workflow::named(DISCARD, VERSION)
        .step(Discard(tools.clone()))
        .build()
}

/// Every step of both, by name: what this build can go on with. No step runs.
pub fn names(pool: &PgPool) -> Build {
    let tools = Arc::new(Tools::unconnected(pool.clone()));
    Build::default()
        .with(&ingest(&tools))
        .with(&discard(&tools))
}

/// Records the refusal and starts the deletion of the bytes, in one transaction.
async fn refuse(
    tx: &mut PgConnection,
    file_id: FileId,
    rejected: Rejected,
) -> Result<(), BoxError> {
    files::mark_rejected(tx, file_id, &errors::recorded(&rejected)).await?;
    if let Some(file) = files::load(tx, file_id).await? {
        let refused = Refused {
            upload_id: file.upload_id,
        };
        let starter = Starter::at::<Discard>(DISCARD, VERSION);
        starter
            .start(tx, file.upload_id.0, file.owner_id.as_str(), &refused)
            .await?;
    }
    Ok(())
}
