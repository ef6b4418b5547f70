//! Who may change a key or an upload, and who is still reading what was deleted.

use std::collections::HashMap;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::files;
use super::layout::Layout;

const SHARDS: usize = 256;

/// A fixed number of locks that keys share by hash: as many keys as you like, no lock to forget.
#[derive(Debug)]
pub(super) struct KeyLocks {
    hasher: RandomState,
    shards: Vec<RwLock<()>>,
}

impl Default for KeyLocks {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        Self {
            hasher: RandomState::new(),
            shards,
        }
    }
}

// The locks guard files, which stay whole by atomic renames; a panic elsewhere does not spoil them.
impl KeyLocks {
    pub(super) fn read(&self, bucket: &str, key: &str) -> RwLockReadGuard<'_, ()> {
        self.shard(bucket, key)
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self, bucket: &str, key: &str) -> RwLockWriteGuard<'_, ()> {
        self.shard(bucket, key)
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn shard(&self, bucket: &str, key: &str) -> &RwLock<()> {
        let shard = self.hasher.hash_one((bucket, key)) % SHARDS as u64;
        &self.shards[usize::try_from(shard).expect("less than SHARDS")]
    }
}

/// Versions being read. A version that is deleted meanwhile waits in the trash for its last reader.
#[derive(Debug)]
pub(super) struct Pins {
    layout: Layout,
    readers: Mutex<HashMap<String, Readers>>,
}

#[derive(Debug, Default)]
struct Readers {
    count: usize,
    in_trash: bool,
}

impl Pins {
    pub(super) fn new(layout: Layout) -> Self {
        Self {
            layout,
            readers: Mutex::default(),
        }
    }

    /// Keeps a version readable until the pin is dropped. The caller holds the key's lock.
    pub(super) fn pin(self: &Arc<Self>, version: &str) -> Pin {
        self.readers().entry(version.to_owned()).or_default().count += 1;
        Pin {
            pins: Arc::clone(self),
            version: version.to_owned(),
        }
    }

    /// Deletes a version that no record names any more, now or after its last reader.
    pub(super) fn retire(&self, version: &str) -> io::Result<()> {
        let mut readers = self.readers();
        match fs::rename(self.layout.data(version), self.layout.trash(version)) {
            // An empty object has no data folder.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            moved => moved?,
        }
        if let Some(readers) = readers.get_mut(version) {
            readers.in_trash = true;
            return Ok(());
        }
        drop(readers);
        files::remove_folder(&self.layout.trash(version)).map(drop)
    }

    fn readers(&self) -> MutexGuard<'_, HashMap<String, Readers>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader's hold on a version.
#[derive(Debug)]
pub(super) struct Pin {
    pins: Arc<Pins>,
    version: String,
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut readers = self.pins.readers();
        let Some(entry) = readers.get_mut(&self.version) else {
            return;
        };
        entry.count -= 1;
        if entry.count > 0 {
            return;
        }
        let in_trash = entry.in_trash;
        readers.remove(&self.version);
        drop(readers);
        if in_trash {
            let folder = self.pins.layout.trash(&self.version);
            let remove = move || {
                if let Err(error) = files::remove_folder(&folder) {
                    tracing::warn!(%error, "could not delete an object's data; the next start will");
                }
            };
            // Streams are dropped on async threads, where unlinking many files would hold up others.
            match tokio::runtime::Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn_blocking(remove)),
                Err(_) => remove(),
            }
        }
    }
}
