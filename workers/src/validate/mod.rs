//! Is it what it says, and within the limits? Magic bytes as a first hint, then the whole header
//! structure, read in the sandbox. No pixel is decoded here.

mod decide;

use std::{fs::File, io::Read};

use decoders::ImageProbe;
use media::{
    FileId, Sha256, files,
    formats::InputFormat,
    storage::{Bucket, ObjectKey},
};
use sqlx::PgConnection;
use workflows::{Attempt, BoxError, Done, Record, Step, StepError};

use crate::{
    errors::{self, StepOrDecodeError},
    facts::{Scanned, Validated},
    queues,
    tools::Context,
};

pub(crate) struct Validate;

/// Enough for every magic number that `infer` knows.
const HINT_BYTES: u64 = 8192;

impl Step for Validate {
    const NAME: &'static str = "validate";
    const QUEUE: &'static str = queues::LIGHT;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Context = Context;
    type Input = Scanned;
    type Output = Validated;

    async fn run(cx: &Attempt<Context>, scanned: Scanned) -> Result<Done<Validated>, StepError> {
        let Scanned {
            file_id,
            upload_id,
            etag,
            sha256,
        } = scanned;
        let upload = cx.context.upload(upload_id).await?;
        let bytes = (&upload.frozen_key(), &sha256);
        let (hint, probe) = look(cx, bytes).await?;
        let image = decide::decide(&upload.declared.mime_type, hint, probe)?;
        let validated = Validated {
            file_id,
            upload_id,
            etag,
            width: image.width,
            height: image.height,
        };
        Ok(Done::new(validated).recording(Found {
            file_id,
            format: image.format,
            sha256,
            size_bytes: upload.plan.size_bytes,
        }))
    }
}

/// What is in the file.
struct Found {
    file_id: FileId,
    format: InputFormat,
    sha256: Sha256,
    size_bytes: u64,
}

impl Record for Found {
    const SHARES_COMMIT: bool = true;

    async fn record(&self, tx: &mut PgConnection) -> Result<(), BoxError> {
        let mime_type = self.format.mime_type();
        files::mark_validated(tx, self.file_id, mime_type, &self.sha256, self.size_bytes).await?;
        Ok(())
    }
}

/// Frozen bytes: their key in the staging bucket, and their digest.
type Bytes<'a> = (&'a ObjectKey, &'a Sha256);

async fn look(
    cx: &Attempt<Context>,
    bytes: Bytes<'_>,
) -> Result<(Option<&'static str>, Result<ImageProbe, StepError>), StepError> {
    let file = fetch(&cx.context, bytes).await?;
    let mut start = Vec::new();
    (&file)
        .take(HINT_BYTES)
        .read_to_end(&mut start)
        .map_err(|error| errors::machine("cannot read the scratch folder", error))?;
    drop(file);
    let hint = infer::get(&start).map(|kind| kind.mime_type());
    let mut probed = probe(cx, bytes).await;
    if errors::crashed(&probed) {
        probed = probe(cx, bytes).await;
    }
    match probed.map_err(StepError::from) {
        Err(StepError::Reject(rejection)) => Ok((hint, Err(StepError::Reject(rejection)))),
        Err(other) => Err(other),
        Ok(probe) => Ok((hint, Ok(probe))),
    }
}

async fn probe(cx: &Attempt<Context>, bytes: Bytes<'_>) -> Result<ImageProbe, StepOrDecodeError> {
    let file = fetch(&cx.context, bytes).await?;
    let limits = cx.context.image_limits();
    let decoders = &cx.context.decoders;
    let probe = decoders.probe_image(file, &limits, &cx.cancelled);
    Ok(probe.await?)
}

async fn fetch(context: &Context, (key, sha256): Bytes<'_>) -> Result<File, StepError> {
    let Context { store, scratch, .. } = context;
    let file = scratch.fetch(store, Bucket::Staging, key, sha256);
    file.await.map_err(errors::scratch)
}
