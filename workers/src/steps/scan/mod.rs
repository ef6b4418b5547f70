//! One streaming read of the frozen object, or one of each of its pieces where the scanner cannot take it at once, feeds
//! the SHA-256, the virus scanner and the local copy, so that every later step works on bytes that were seen by all three.

mod decide;

use std::ops::Range;

use futures::TryStreamExt;
use media::{
    Sha256,
    uploads::{Upload, resumable},
};
use scanner::{ClamdClient, ClamdError, Verdict, pieces};
use sha2::Digest;
use storage::{Bucket, ByteRange};
use workflows::{Attempt, Done, NextOnError, Step, StepError, StepSettings};

use self::decide::{Digests, Found};
use crate::{
    errors,
    facts::{Assembled, Scanned},
    queues,
    tools::{Context, ScratchFile},
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
        // For terabytes. What stands still is given up much earlier: by the store's stall, and by the scanner's limits for
        // each chunk, each verdict and each piece.
        StepSettings {
            timeout: std::time::Duration::from_hours(12),
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
        let sha512 = declared_sha512(&cx.context, &upload).await?;
        let (found, size_bytes, verdict) = read(&cx.context, &upload, sha512.is_some()).await?;
        let sha256 = found.sha256;
        let declared = Digests {
            sha256: upload.declared.sha256.as_ref(),
            sha512: sha512.as_deref(),
        };
        if let Err(refusal) = decide::decide(&verdict, &declared, &found) {
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

/// The SHA-512 that the bytes are to have, which few clients say.
async fn declared_sha512(context: &Context, upload: &Upload) -> Result<Option<Vec<u8>>, StepError> {
    let mut connection = context.connection().await?;
    let declared = resumable::declared_sha512(&mut connection, upload.upload_id).await;
    declared.map_err(errors::database)
}

/// A file on its way through hash and local copy, each byte once, though pieces overlap.
struct Reading {
    hash: sha2::Sha256,
    /// Only where somebody wants to know.
    sha512: Option<sha2::Sha512>,
    copy: ScratchFile,
    /// Bytes that were taken.
    size_bytes: u64,
}

impl Reading {
    /// Takes what of a chunk that lies at `offset` was not taken yet.
    async fn take(&mut self, offset: u64, chunk: &[u8]) -> Result<(), StepError> {
        let known = usize::try_from(self.size_bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let new = chunk.get(known..).unwrap_or_default();
        self.size_bytes += new.len() as u64;
        self.hash.update(new);
        if let Some(hash) = &mut self.sha512 {
            hash.update(new);
        }
        self.copy.write(new).await.map_err(disk)
    }
}

fn disk(error: std::io::Error) -> StepError {
    errors::machine("cannot write to the scratch folder", error)
}

async fn read(
    context: &Context,
    upload: &Upload,
    with_sha512: bool,
) -> Result<(Found, u64, Verdict), StepError> {
    let mut reading = Reading {
        hash: sha2::Sha256::new(),
        sha512: with_sha512.then(sha2::Sha512::new),
        copy: context
            .scratch
            .create(upload.plan.size_bytes)
            .map_err(disk)?,
        size_bytes: 0,
    };
    let mut verdict = Verdict::Clean;
    for piece in pieces(upload.plan.size_bytes, context.scan_piece_bytes) {
        verdict = scan(context, upload, piece, &mut reading).await?;
        if verdict != Verdict::Clean {
            break;
        }
    }
    let sha256 = Sha256::from_bytes(reading.hash.finalize().into());
    let sha512 = reading.sha512.map(|hash| hash.finalize().to_vec());
    if verdict == Verdict::Clean {
        let kept = context.scratch.keep(reading.copy, &sha256);
        kept.await.map_err(disk)?;
    }
    Ok((Found { sha256, sha512 }, reading.size_bytes, verdict))
}

/// Reads a piece into the scanner and what it is read for besides.
async fn scan(
    context: &Context,
    upload: &Upload,
    piece: Range<u64>,
    reading: &mut Reading,
) -> Result<Verdict, StepError> {
    let Context { store, clamd, .. } = context;
    let key = upload.frozen_key();
    // The last piece goes on to the object's end, which may be another than was declared.
    let range = if piece.end < upload.plan.size_bytes {
        Some(ByteRange::Inclusive(piece.start, piece.end - 1))
    } else {
        Some(ByteRange::From(piece.start)).filter(|_| piece.start > 0)
    };
    let object = store.get(Bucket::Staging, &key, range).await;
    let object = object.map_err(errors::storage)?;
    let (mut offset, mut body) = (object.range.start, object.body);
    let mut scan = clamd.begin().await.map_err(errors::scanner)?;
    while let Some(chunk) = body.try_next().await.map_err(errors::storage)? {
        reading.take(offset, &chunk).await?;
        offset += chunk.len() as u64;
        if let Err(error) = scan.write(&chunk).await {
            return Err(failed(clamd, error).await);
        }
    }
    match scan.finish().await {
        Ok(verdict) => Ok(verdict),
        Err(error) => Err(failed(clamd, error).await),
    }
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
