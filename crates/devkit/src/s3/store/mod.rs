//! Buckets, objects and uploads on disk. Synchronous, and without a word of HTTP: `service` translates.
//!
//! An object is a small JSON record (the *manifest*) that lists immutable data files. Putting, completing and copying
//! each end in one atomic rename of a record, so a reader sees all of an object or none of it, and a multipart upload
//! is completed without moving a byte. See [`layout`] for where things are.
//!
//! Locks are taken in this order: `buckets`, an upload's, a key's, `names`, the pins'.

mod buckets;
mod error;
mod files;
mod layout;
mod locks;
mod names;
mod objects;
mod records;
mod uploads;

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

pub(super) use self::error::StoreError;
pub(super) use self::files::{Received, TempFile};
pub(super) use self::layout::hex;
pub(super) use self::objects::Reading;
pub(super) use self::records::{
    Checksums, Headers, ObjectRecord, PartRecord, UploadRecord, now_ms,
};
pub(super) use self::uploads::ClaimedPart;

use self::layout::Layout;
use self::locks::{KeyLocks, Pins};
use self::names::Names;

/// The store. One process per folder; [`Store::open`] holds a lock file.
#[derive(Debug)]
pub(super) struct Store {
    layout: Layout,
    /// Read by whatever needs its bucket to stay, written to make or remove one.
    buckets: RwLock<()>,
    upload_locks: KeyLocks,
    key_locks: KeyLocks,
    names: Mutex<Names>,
    pins: Arc<Pins>,
    /// Flush files to the disk before they count.
    sync_writes: bool,
    _lock: File,
}

impl Store {
    /// Opens or creates the store under `root`, and clears what a crash left half done.
    pub(super) fn open(root: &Path, sync_writes: bool) -> Result<Self, StoreError> {
        let layout = Layout::create(root)?;
        let lock = File::create(layout.lock_file())?;
        lock.try_lock().map_err(|error| match error {
            std::fs::TryLockError::Error(error) => error,
            std::fs::TryLockError::WouldBlock => io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another server uses this folder",
            ),
        })?;
        layout.empty_scratch()?;
        let store = Self {
            pins: Arc::new(Pins::new(layout.clone())),
            layout,
            buckets: RwLock::default(),
            upload_locks: KeyLocks::default(),
            key_locks: KeyLocks::default(),
            names: Mutex::default(),
            sync_writes,
            _lock: lock,
        };
        store.close_completed_uploads()?;
        Ok(store)
    }

    /// A file for incoming bytes, removed again unless it becomes part of an object.
    pub(super) fn temp_file(&self) -> io::Result<TempFile> {
        TempFile::create(&self.layout.tmp())
    }

    /// Holds the bucket in being, or says that there is none.
    fn bucket(&self, bucket: &str) -> Result<RwLockReadGuard<'_, ()>, StoreError> {
        let guard = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        if self.layout.bucket_file(bucket).try_exists()? {
            Ok(guard)
        } else {
            Err(StoreError::NoSuchBucket)
        }
    }
}
