//! One streaming read of the frozen object feeds the SHA-256, the virus scanner and the local
//! copy, so that every later step works on bytes that were seen by all three.

mod decide;

use std::sync::Arc;

use futures::TryStreamExt;
use media::{Sha256, storage::Bucket, uploads};
use sha2::Digest;
use workflows::{Done, NextOnError, Step, StepContext, StepError, StepSettings};

use crate::{
    errors,
    facts::{Assembled, Scanned},
    queues,
    tools::{Tools, clamd::Verdict},
};

pub(crate) struct Scan(pub Arc<Tools>);

impl Step for Scan {
    const NAME: &'static str = "scan";
    const QUEUE: &'static str = queues::SCAN;
    const NEEDS: &'static [&'static str] = &[errors::STORE, errors::SCANNER];
    type Input = Assembled;
    type Output = Scanned;

    fn settings(&self) -> StepSettings {
        // Longer than clamd's own limit of five minutes, which has a meaning, and the reading.
        StepSettings {
            timeout: std::time::Duration::from_mins(12),
            ..StepSettings::default()
        }
    }

    async fn run(&self, _: &StepContext, assembled: Assembled) -> Result<Done<Scanned>, StepError> {
        let declared = self.declared(&assembled).await?;
        let (sha256, size_bytes, verdict) = self.read(&assembled).await?;
        decide::decide(&verdict, declared.as_ref(), &sha256)?;
        if size_bytes != assembled.size_bytes {
            return Err(ShortRead {
                size_bytes,
                expected: assembled.size_bytes,
            })
            .or_retry();
        }
        Ok(Done::new(Scanned { assembled, sha256 }))
    }
}

impl Scan {
    async fn declared(&self, assembled: &Assembled) -> Result<Option<Sha256>, StepError> {
        let mut connection = self.0.connection().await?;
        let upload = uploads::load(&mut connection, assembled.upload_id)
            .await
            .map_err(errors::database)?;
        Ok(upload.and_then(|upload| upload.declared.sha256))
    }

    async fn read(&self, assembled: &Assembled) -> Result<(Sha256, u64, Verdict), StepError> {
        let Tools {
            store,
            clamd,
            scratch,
            ..
        } = self.0.as_ref();
        let object = store.get(Bucket::Staging, &assembled.key, None).await;
        let mut body = object.map_err(errors::storage)?.body;
        let mut scan = clamd.begin().await.map_err(errors::scanner)?;
        let disk = |error| errors::machine("cannot write to the scratch folder", error);
        let mut copy = scratch.create().map_err(disk)?;
        let (mut hash, mut size_bytes) = (sha2::Sha256::new(), 0);
        while let Some(chunk) = body.try_next().await.map_err(errors::storage)? {
            size_bytes += chunk.len() as u64;
            hash.update(&chunk);
            copy.write(&chunk).await.map_err(disk)?;
            scan.write(&chunk).await.map_err(errors::scanner)?;
        }
        let verdict = scan.finish().await.map_err(errors::scanner)?;
        let sha256 = Sha256::from_bytes(hash.finalize().into());
        if verdict == Verdict::Clean {
            scratch.keep(copy, &sha256).await.map_err(disk)?;
        }
        Ok((sha256, size_bytes, verdict))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("read {size_bytes} bytes of an object of {expected}")]
struct ShortRead {
    size_bytes: u64,
    expected: u64,
}
