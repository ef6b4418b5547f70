//! A copy of an original of which only those bytes are here that tools on this machine have read.
//!
//! A worker that makes thirty seconds of a long film need not copy all of it. What will be read is not guessed: a tool's
//! read waits until its bytes are here ([`sandbox::fill`]), so containers of every kind and films without an index are
//! read in the same way, and those that are read from end to end end up whole.
//!
//! Parts cannot be held against the SHA-256 of the whole. They are of an object that is named by it and never overwritten,
//! and that has the same `ETag` at every request.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::TryStreamExt;
use sandbox::fill::{Fill, Filling};
use storage::{Bucket, ByteRange, ObjectInfo, ObjectKey, ObjectStore};
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

use super::room::make_room_on_disk;
use super::{SPARE, ScratchError};

/// What is here is told by blocks of so many bytes.
const BLOCK_BYTES: u64 = 64 << 10;
/// One request brings so many blocks at most: a megabyte.
const MOST_BLOCKS: usize = 16;

/// The most bytes that one request brings. An object that is no longer is copied whole.
pub(super) const MOST_BYTES: u64 = BLOCK_BYTES * MOST_BLOCKS as u64;

/// A copy in part, shared by all tools of this process. Its file goes with the value.
#[derive(Debug)]
pub struct Partial {
    folder: PathBuf,
    store: ObjectStore,
    bucket: Bucket,
    key: ObjectKey,
    object: ObjectInfo,
    file: NamedTempFile,
    /// Which blocks are here.
    here: Mutex<Vec<bool>>,
    /// One request at a time: what others read is often what this one brings.
    fetching: tokio::sync::Mutex<()>,
}

impl Partial {
    /// Nothing is in `file` yet, which is in `folder`.
    pub(super) fn new(
        file: NamedTempFile,
        folder: &Path,
        store: &ObjectStore,
        bucket: Bucket,
        key: &ObjectKey,
        object: ObjectInfo,
    ) -> io::Result<Self> {
        file.as_file().set_len(object.size_bytes)?;
        let blocks = usize::try_from(object.size_bytes.div_ceil(BLOCK_BYTES));
        Ok(Self {
            folder: folder.to_owned(),
            store: store.clone(),
            bucket,
            key: key.clone(),
            here: Mutex::new(vec![false; blocks.map_err(io::Error::other)?]),
            object,
            file,
            fetching: tokio::sync::Mutex::default(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Its file, which was last changed when somebody last used it.
    pub(super) fn file(&self) -> &File {
        self.file.as_file()
    }

    /// How much of it is here, in bytes.
    pub(super) fn bytes_here(&self) -> u64 {
        self.here().iter().filter(|&&here| here).count() as u64 * BLOCK_BYTES
    }

    fn here(&self) -> MutexGuard<'_, Vec<bool>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Comes back when the bytes of `range` are here.
    async fn bring(&self, range: Range<u64>) -> Result<(), ScratchError> {
        if missing(&self.here(), &range).is_none() {
            return Ok(());
        }
        let _alone = self.fetching.lock().await;
        loop {
            let Some(blocks) = missing(&self.here(), &range) else {
                return Ok(());
            };
            self.fetch(&blocks).await?;
            self.here()[blocks].fill(true);
        }
    }

    async fn fetch(&self, blocks: &Range<usize>) -> Result<(), ScratchError> {
        let start = blocks.start as u64 * BLOCK_BYTES;
        let end = (blocks.end as u64 * BLOCK_BYTES).min(self.object.size_bytes);
        let range = ByteRange::Inclusive(start, end - 1);
        let part = self.store.get(self.bucket, &self.key, Some(range)).await?;
        let same = part.info.etag == self.object.etag && part.range == (start..end);
        if !same {
            return Err(ScratchError::Corrupt);
        }
        let mut bytes = Vec::new();
        let mut body = part.body;
        while let Some(piece) = body.try_next().await? {
            bytes.extend_from_slice(&piece);
            if bytes.len() as u64 > end - start {
                return Err(ScratchError::Corrupt);
            }
        }
        if bytes.len() as u64 != end - start {
            return Err(ScratchError::Corrupt);
        }
        let (file, folder) = (self.file.reopen()?, self.folder.clone());
        let written = spawn_blocking(move || {
            make_room_on_disk(&folder, bytes.len() as u64 + SPARE)?;
            file.write_all_at(&bytes, start)
        });
        Ok(written.await.map_err(io::Error::other)??)
    }
}

/// The first blocks of `range` that are not here, to be brought by one request. There are the more of them the more lie
/// before them without a gap: who reads on will read further, and who jumps about will not.
fn missing(here: &[bool], range: &Range<u64>) -> Option<Range<usize>> {
    let block = |at: u64| usize::try_from(at / BLOCK_BYTES).unwrap_or(usize::MAX);
    let wanted = block(range.start)..block(range.end.saturating_sub(1)).saturating_add(1);
    let first = wanted
        .clone()
        .find(|&block| here.get(block) == Some(&false))?;
    let before = here[..first].iter().rev().take_while(|&&here| here).count();
    let end = first
        .saturating_add(before.max(1))
        .max(wanted.end)
        .min(first.saturating_add(MOST_BLOCKS))
        .min(here.len());
    let gap = here[first..end].iter().take_while(|&&here| !here).count();
    Some(first..first + gap)
}

/// A copy in part, as the tools of one attempt read it.
#[derive(Debug)]
pub struct Reader {
    partial: Arc<Partial>,
    failure: Mutex<Option<ScratchError>>,
}

impl Reader {
    pub(crate) fn new(partial: Arc<Partial>) -> Self {
        Self {
            partial,
            failure: Mutex::default(),
        }
    }

    /// Why a read failed, if one did: what the error of the tool was that it ended.
    pub(crate) fn failure(&self) -> Option<ScratchError> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take()
    }
}

impl Fill for Reader {
    fn fill(&self, range: Range<u64>) -> Filling<'_> {
        Box::pin(async move {
            self.partial.bring(range).await.map_err(|error| {
                let told = io::Error::other(error.to_string());
                let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert(error);
                told
            })
        })
    }
}

#[cfg(test)]
mod tests;
