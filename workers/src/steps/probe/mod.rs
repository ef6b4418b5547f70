//! Is it what it says, and within the limits? Magic bytes as a first hint, then the whole structure, read in the sandbox
//! by the codec of its kind.

mod decide;
mod magic;

use std::{fs::File, io::Read, time::Duration};

use media::{
    FileId, Rejection, RejectionCode, Sha256, Warning, files,
    formats::{DocumentFormat, InputFormat, Kind},
};
use sqlx::PgConnection;
use storage::Bucket;
use workflows::{Attempt, BoxError, Done, Record, Step, StepError, StepSettings};

use crate::{
    errors,
    facts::{Probed, Scanned},
    kinds::{self, Source, audio, document, image, video},
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
        let hint = hint(&cx.context.open(&source).await?, declared)?;
        let refused = |refusal| {
            // What is refused is looked at no more. Failing that, it goes when it has not been used for a while.
            let _ = cx.context.scratch.evict(&sha256);
            errors::reject(refusal)
        };
        let taken = decide::Taken {
            office: cx.context.office.is_some(),
        };
        let kind = decide::kind(declared, hint, taken).map_err(refused)?;
        let document = decide::document(declared, hint);
        let probed = probe(cx, &source, kind, document).await?;
        let rules = &cx.context.types;
        let agreed = decide::agree(declared, hint, probed, rules.strict, taken);
        let agreed = agreed.map_err(refused)?;
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
    document: Option<DocumentFormat>,
) -> Result<Result<kinds::Probe, Rejection>, StepError> {
    match kind {
        Kind::Image => {
            let probed = image::probe::probe(cx, source).await?;
            Ok(probed.map(kinds::Probe::Image))
        }
        // Films and sounds come in the same containers.
        Kind::Video => match film(cx, source).await? {
            Ok(None) => or_unsupported(sound(cx, source).await?),
            film => or_unsupported(film),
        },
        Kind::Audio => match sound(cx, source).await? {
            Ok(None) => or_unsupported(film(cx, source).await?),
            sound => or_unsupported(sound),
        },
        Kind::Document => {
            let probed = match document {
                Some(format) => document::probe::probe(cx, source, format).await?,
                None => document::probe::probe_office(cx, source).await?,
            };
            Ok(probed.map(kinds::Probe::Document))
        }
    }
}

/// `None` where there is no moving picture.
async fn film(
    cx: &Attempt<Context>,
    source: &Source,
) -> Result<Result<Option<kinds::Probe>, Rejection>, StepError> {
    let probed = video::probe::probe(cx, source).await?;
    Ok(probed.map(|film| Some(kinds::Probe::Video(Box::new(film?)))))
}

/// `None` where there are moving pictures.
async fn sound(
    cx: &Attempt<Context>,
    source: &Source,
) -> Result<Result<Option<kinds::Probe>, Rejection>, StepError> {
    let probed = audio::probe::probe(cx, source).await?;
    Ok(probed.map(|sound| Some(kinds::Probe::Audio(Box::new(sound?)))))
}

/// What neither takes.
#[expect(clippy::unnecessary_wraps, reason = "both outcomes of a probe")]
fn or_unsupported(
    probed: Result<Option<kinds::Probe>, Rejection>,
) -> Result<Result<kinds::Probe, Rejection>, StepError> {
    let message = "there is nothing in the file that can be played";
    Ok(probed.and_then(|probe| {
        probe.ok_or_else(|| Rejection::new(RejectionCode::UnsupportedType, message))
    }))
}

/// The media type that the first bytes look like.
fn hint(file: &File, declared: &str) -> Result<Option<&'static str>, StepError> {
    let mut start = Vec::new();
    file.take(HINT_BYTES)
        .read_to_end(&mut start)
        .map_err(|error| errors::machine("cannot read the scratch folder", error))?;
    let found = magic::looks_like(&start);
    Ok(found.filter(|found| !decide::is_chance(declared, found, &start)))
}
