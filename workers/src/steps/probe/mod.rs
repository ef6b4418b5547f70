//! Is it what it says, and within the limits? Magic bytes as a first hint, then the whole header
//! structure, read in the sandbox. No pixel is decoded here.

mod decide;

use std::{fs::File, io::Read, sync::Arc};

use codecs::ImageProbe;
use media::{files, uploads};
use storage::Bucket;
use workflows::{Done, Step, StepContext, StepError};

use crate::{
    errors::{self, StepOrDecodeError},
    facts::{Scanned, Validated},
    queues,
    tools::Tools,
};

pub(crate) struct Validate(pub Arc<Tools>);

/// Enough for every magic number that `infer` knows.
const HINT_BYTES: u64 = 8192;

impl Step for Validate {
    const NAME: &'static str = "validate";
    const QUEUE: &'static str = queues::LIGHT;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Input = Scanned;
    type Output = Validated;

    async fn run(
        &self,
        context: &StepContext,
        scanned: Scanned,
    ) -> Result<Done<Validated>, StepError> {
        let declared = self.declared(&scanned).await?;
        let (hint, probe) = self.look(context, &scanned).await?;
        let image = decide::decide(&declared, hint, probe)?;
        let validated = Validated {
            format: image.format,
            width: image.width,
            height: image.height,
            scanned,
        };
        let record = validated.clone();
        Ok(Done::new(validated).writing_own_rows(move |tx| {
            let Validated {
                format, scanned, ..
            } = record.clone();
            Box::pin(async move {
                let Scanned { assembled, sha256 } = scanned;
                let (file_id, size) = (assembled.file_id, assembled.size_bytes);
                files::mark_validated(tx, file_id, format.mime_type(), &sha256, size).await?;
                Ok(())
            })
        }))
    }
}

impl Validate {
    async fn declared(&self, scanned: &Scanned) -> Result<String, StepError> {
        let mut connection = self.0.connection().await?;
        let upload = uploads::load(&mut connection, scanned.assembled.upload_id).await;
        Ok(upload
            .map_err(errors::database)?
            .map(|upload| upload.declared.mime_type)
            .unwrap_or_default())
    }

    async fn look(
        &self,
        context: &StepContext,
        scanned: &Scanned,
    ) -> Result<(Option<&'static str>, Result<ImageProbe, StepError>), StepError> {
        let file = self.fetch(scanned).await?;
        let mut start = Vec::new();
        (&file)
            .take(HINT_BYTES)
            .read_to_end(&mut start)
            .map_err(|error| errors::machine("cannot read the scratch folder", error))?;
        drop(file);
        let hint = infer::get(&start).map(|kind| kind.mime_type());
        let mut probed = self.probe(context, scanned).await;
        if errors::crashed(&probed) {
            probed = self.probe(context, scanned).await;
        }
        match probed.map_err(StepError::from) {
            Err(StepError::Reject(rejection)) => Ok((hint, Err(StepError::Reject(rejection)))),
            Err(other) => Err(other),
            Ok(probe) => Ok((hint, Ok(probe))),
        }
    }

    async fn probe(
        &self,
        context: &StepContext,
        scanned: &Scanned,
    ) -> Result<ImageProbe, StepOrDecodeError> {
        let file = self.fetch(scanned).await?;
        let limits = self.0.image_limits();
        let decoders = &self.0.decoders;
        let probe = decoders.probe_image(file, &limits, &context.cancelled);
        Ok(probe.await?)
    }

    async fn fetch(&self, Scanned { assembled, sha256 }: &Scanned) -> Result<File, StepError> {
        let Tools { store, scratch, .. } = self.0.as_ref();
        let file = scratch.fetch(store, Bucket::Staging, &assembled.key, sha256);
        file.await.map_err(errors::scratch)
    }
}
