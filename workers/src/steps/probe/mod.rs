//! Is it what it says, and within the limits? Magic bytes as a first hint, then the whole structure, read in the sandbox
//! by the codec of its kind.

mod decide;

use std::{fs::File, io::Read, sync::Arc};

use media::{Rejection, files, formats::Kind, uploads};
use storage::Bucket;
use workflows::{Done, Step, StepContext, StepError};

use crate::{
    errors,
    facts::{Probed, Scanned},
    kinds::{self, Source, image},
    queues,
    tools::Tools,
};

pub(crate) struct Probe(pub Arc<Tools>);

/// Enough for every magic number that `infer` knows.
const HINT_BYTES: u64 = 8192;

impl Step for Probe {
    const NAME: &'static str = "probe";
    const QUEUE: &'static str = queues::LIGHT;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Input = Scanned;
    type Output = Probed;

    async fn run(
        &self,
        context: &StepContext,
        scanned: Scanned,
    ) -> Result<Done<Probed>, StepError> {
        let declared = self.declared(&scanned).await?;
        let source = Source {
            bucket: Bucket::Staging,
            key: scanned.assembled.key.clone(),
            sha256: scanned.sha256,
        };
        let hint = hint(&self.0.open(&source).await?)?;
        let kind = decide::kind(&declared, hint).map_err(errors::reject)?;
        let probed = self.probe(context, &source, kind).await?;
        let probe = decide::agree(&declared, hint, probed).map_err(errors::reject)?;
        let probed = Probed { scanned, probe };
        let record = probed.clone();
        Ok(Done::new(probed).writing_own_rows(move |tx| {
            let Probed { scanned, probe } = record.clone();
            Box::pin(async move {
                let Scanned { assembled, sha256 } = scanned;
                let (file_id, size) = (assembled.file_id, assembled.size_bytes);
                let mime_type = probe.format().mime_type();
                files::mark_validated(tx, file_id, mime_type, &sha256, size).await?;
                Ok(())
            })
        }))
    }
}

impl Probe {
    async fn declared(&self, scanned: &Scanned) -> Result<String, StepError> {
        let mut connection = self.0.connection().await?;
        let upload = uploads::load(&mut connection, scanned.assembled.upload_id).await;
        Ok(upload
            .map_err(errors::database)?
            .map(|upload| upload.declared.mime_type)
            .unwrap_or_default())
    }

    async fn probe(
        &self,
        context: &StepContext,
        source: &Source,
        kind: Kind,
    ) -> Result<Result<kinds::Probe, Rejection>, StepError> {
        match kind {
            Kind::Image => {
                let probed = image::probe::probe(&self.0, context, source).await?;
                Ok(probed.map(kinds::Probe::Image))
            }
        }
    }
}

/// The media type that the first bytes look like.
fn hint(file: &File) -> Result<Option<&'static str>, StepError> {
    let mut start = Vec::new();
    file.take(HINT_BYTES)
        .read_to_end(&mut start)
        .map_err(|error| errors::machine("cannot read the scratch folder", error))?;
    Ok(infer::get(&start).map(|kind| kind.mime_type()))
}
