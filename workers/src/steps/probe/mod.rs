//! Is it what it says, and within the limits? Magic bytes as a first hint, then the whole structure, read in the sandbox
//! by the codec of its kind.

mod decide;
mod magic;

use std::{fs::File, io::Read, time::Duration};

use media::{
    FileId, Rejection, Sha256, Warning, files,
    formats::{InputFormat, Kind},
};
use sqlx::PgConnection;
use storage::Bucket;
use workflows::{Attempt, BoxError, Done, Record, Step, StepError, StepSettings};

use crate::{
    errors,
    facts::{Probed, Scanned},
    kinds::{self, Source, image, video},
    queues,
    tools::Context,
};

pub(crate) struct Probe;

/// Enough for every magic number that is known.
const HINT_BYTES: u64 = 8192;

impl Step for Probe {
    const NAME: &'static str = "probe";
    const QUEUE: &'static str = queues::LIGHT;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Context = Context;
    type Input = Scanned;
    type Output = Probed;

    fn settings() -> StepSettings {
        // Of a film, every packet is looked at.
        StepSettings {
            timeout: Duration::from_mins(30),
            ..StepSettings::default()
        }
    }

    async fn run(cx: &Attempt<Context>, scanned: Scanned) -> Result<Done<Probed>, StepError> {
        let Scanned {
            file_id,
            upload_id,
            etag,
            sha256,
        } = scanned;
        let upload = cx.context.upload(upload_id).await?;
        let source = Source {
            bucket: Bucket::Staging,
            key: upload.frozen_key(),
            sha256,
        };
        let declared = &upload.declared.mime_type;
        let hint = hint(&cx.context.open(&source).await?)?;
        let refused = |refusal| {
            // What is refused is looked at no more. Failing that, it goes when it has not been used for a while.
            let _ = cx.context.scratch.evict(&sha256);
            errors::reject(refusal)
        };
        let kind = decide::kind(declared, hint).map_err(refused)?;
        let probed = probe(cx, &source, kind).await?;
        let rules = &cx.context.types;
        let agreed = decide::agree(declared, hint, probed, rules.strict).map_err(refused)?;
        let decide::Agreed { probe, warnings } = agreed;
        let size_bytes = upload.plan.size_bytes;
        rules.check(probe.format(), size_bytes).map_err(refused)?;
        let found = Found {
            file_id,
            warnings,
            format: probe.format(),
            sha256,
            size_bytes,
        };
        let probed = Probed {
            file_id,
            upload_id,
            etag,
            probe,
        };
        Ok(Done::new(probed).recording(found))
    }
}

/// What is in the file.
struct Found {
    file_id: FileId,
    format: InputFormat,
    sha256: Sha256,
    size_bytes: u64,
    warnings: Vec<Warning>,
}

impl Record for Found {
    const SHARES_COMMIT: bool = true;

    async fn record(&self, tx: &mut PgConnection) -> Result<(), BoxError> {
        let mime_type = self.format.mime_type();
        files::mark_validated(tx, self.file_id, mime_type, &self.sha256, self.size_bytes).await?;
        files::warn(tx, self.file_id, &self.warnings).await?;
        Ok(())
    }
}

async fn probe(
    cx: &Attempt<Context>,
    source: &Source,
    kind: Kind,
) -> Result<Result<kinds::Probe, Rejection>, StepError> {
    match kind {
        Kind::Image => {
            let probed = image::probe::probe(cx, source).await?;
            Ok(probed.map(kinds::Probe::Image))
        }
        Kind::Video => {
            let probed = video::probe::probe(cx, source).await?;
            Ok(probed.map(|probe| kinds::Probe::Video(Box::new(probe))))
        }
    }
}

/// The media type that the first bytes look like.
fn hint(file: &File) -> Result<Option<&'static str>, StepError> {
    let mut start = Vec::new();
    file.take(HINT_BYTES)
        .read_to_end(&mut start)
        .map_err(|error| errors::machine("cannot read the scratch folder", error))?;
    Ok(magic::looks_like(&start))
}
