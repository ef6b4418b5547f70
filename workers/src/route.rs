//! The route of a file, whole.

use std::sync::Arc;

use media::files::{self, UploadedFile};
use workflows::{Starter, Workflow};

use crate::{
    assemble::Assemble, errors, finalize::Finalize, promote::Promote, scan::Scan, tools::Tools,
    transcode::Transcode, validate::Validate,
};

const NAME: &str = "ingest";
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
        .on_reject(|tx, subject, rejected| {
            Box::pin(async move {
                let rejection = errors::recorded(&rejected);
                Ok(files::mark_rejected(tx, media::FileId(subject), &rejection).await?)
            })
        })
        .build()
}
