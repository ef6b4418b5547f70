//! One streaming read of the frozen object feeds the SHA-256, the virus scanner and the local
//! copy, so that every later step works on bytes that were seen by all three.

mod decide;

use futures::TryStreamExt;
use media::{Sha256, uploads::Upload};
use scanner::{ClamdClient, ClamdError, Verdict};
use sha2::Digest;
use storage::Bucket;
use workflows::{Attempt, Done, NextOnError, Step, StepError, StepSettings};

use crate::{
    errors,
    facts::{Assembled, Scanned},
    queues,
    tools::Context,
};

pub(crate) struct Scan;

impl Step for Scan {
    const NAME: &'static str = "scan";
    const QUEUE: &'static str = queues::SCAN;
    const NEEDS: &'static [&'static str] = &[errors::STORE, errors::SCANNER];
    type Context = Context;
    type Input = Assembled;
    type Output = Scanned;

    fn settings() -> StepSettings {
        // Longer than clamd's own limit of five minutes, which has a meaning, and the reading.
        StepSettings {
            timeout: std::time::Duration::from_mins(12),
            ..StepSettings::default()
        }
    }

    async fn run(cx: &Attempt<Context>, assembled: Assembled) -> Result<Done<Scanned>, StepError> {
        let Assembled {
            file_id,
            upload_id,
            etag,
        } = assembled;
        let upload = cx.context.upload(upload_id).await?;
        let (sha256, size_bytes, verdict) = read(&cx.context, &upload).await?;
        if let Err(refusal) = decide::decide(&verdict, upload.declared.sha256.as_ref(), &sha256) {
            let _ = cx.context.scratch.evict(&sha256);
            return Err(errors::reject(refusal));
        }
        let expected = upload.plan.size_bytes;
        if size_bytes != expected {
            return Err(ShortRead {
                size_bytes,
                expected,
            })
            .or_retry();
        }
        Ok(Done::new(Scanned {
            file_id,
            upload_id,
            etag,
            sha256,
        }))
    }
}

async fn read(context: &Context, upload: &Upload) -> Result<(Sha256, u64, Verdict), StepError> {
    let Context {
        store,
        clamd,
        scratch,
        ..
    } = context;
    let object = store.get(Bucket::Staging, &upload.frozen_key(), None).await;
    let mut body = object.map_err(errors::storage)?.body;
    let mut scan = clamd.begin().await.map_err(errors::scanner)?;
    let disk = |error| errors::machine("cannot write to the scratch folder", error);
    let mut copy = scratch.create(upload.plan.size_bytes).map_err(disk)?;
    let (mut hash, mut size_bytes) = (sha2::Sha256::new(), 0);
    while let Some(chunk) = body.try_next().await.map_err(errors::storage)? {
        size_bytes += chunk.len() as u64;
        hash.update(&chunk);
        copy.write(&chunk).await.map_err(disk)?;
        if let Err(error) = scan.write(&chunk).await {
            return Err(failed(clamd, error).await);
        }
    }
    let verdict = match scan.finish().await {
        Ok(verdict) => verdict,
        Err(error) => return Err(failed(clamd, error).await),
    };
    let sha256 = Sha256::from_bytes(hash.finalize().into());
    if verdict == Verdict::Clean {
        scratch.keep(copy, &sha256).await.map_err(disk)?;
    }
    Ok((sha256, size_bytes, verdict))
}

/// Whose fault it is that there is no verdict, when the scanner says that it failed or takes for
/// ever: of one that clears a harmless file, this file's.
async fn failed(clamd: &ClamdClient, error: ClamdError) -> StepError {
    let may_be_the_files = matches!(
        error,
        ClamdError::Scanner { .. } | ClamdError::NoVerdict { .. }
    );
    if may_be_the_files && clamd.clears_what_is_harmless().await {
        errors::scanner_at_this_file(error)
    } else {
        errors::scanner(error)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("read {size_bytes} bytes of an object of {expected}")]
struct ShortRead {
    size_bytes: u64,
    expected: u64,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use devkit::{Clamd, ClamdOptions};

    use super::*;

    fn errors() -> [ClamdError; 2] {
        let message = "Can't allocate memory".to_owned();
        let limit = Duration::from_secs(1);
        [
            ClamdError::Scanner { message },
            ClamdError::NoVerdict { limit },
        ]
    }

    #[tokio::test]
    async fn a_file_that_a_sound_scanner_fails_at_pays_for_its_attempts() {
        let folder = tempfile::tempdir().unwrap();
        let clamd = Clamd::start(ClamdOptions::new(folder.path()))
            .await
            .unwrap();
        let sound = ClamdClient::new(clamd.addr().parse().unwrap());
        for error in errors() {
            let failed = failed(&sound, error).await;
            assert!(matches!(failed, StepError::Retry { .. }), "{failed:?}");
        }
        let limit = Duration::from_secs(1);
        let hangs = failed(&sound, ClamdError::Unresponsive { limit }).await;
        assert!(matches!(hangs, StepError::Unavailable { .. }), "{hangs:?}");
    }

    #[tokio::test]
    async fn a_scanner_that_fails_at_everything_is_nobodys_error() {
        let away = ClamdClient::new("unix:/nonexistent/clamd".parse().unwrap());
        for error in errors() {
            let failed = failed(&away, error).await;
            assert!(
                matches!(failed, StepError::Unavailable { dependency, .. } if dependency == errors::SCANNER),
                "{failed:?}"
            );
        }
    }
}
