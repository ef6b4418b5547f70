//! Local copies of originals, named by content, so that steps on the same machine read a file
//! from storage once. A cache and nothing more: every file here can vanish at any time.
//!
//! They are people's files, so none stays longer than it is of use: the step that ends a file takes its copy away on its
//! own machine, and on every machine a copy goes that nobody has used for a while.

mod partial;
mod partials;
mod room;

use std::{
    fs::File,
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures::TryStreamExt;
use media::Sha256;
use sha2::Digest;
use storage::{Bucket, ObjectKey, ObjectStore, StorageError};
use tempfile::{NamedTempFile, TempDir};
use tokio::{io::AsyncWriteExt, task::spawn_blocking};

pub use self::partial::{Partial, Reader};

use self::partial::MOST_BYTES;
use self::partials::Partials;
use self::room::{clear_abandoned, copies, free_bytes, make_room, make_room_on_disk, reserve};

/// Room that is left to the disk beside what is about to be written, in bytes.
const SPARE: u64 = 1 << 20;

/// A copy that nobody has used for so long goes.
const IDLE: Duration = Duration::from_hours(1);
/// Between two looks for such copies.
const LOOK_EVERY: Duration = Duration::from_mins(5);

/// How often a copy is made that others take away before it is linked.
const LINK_TRIES: u32 = 5;

/// What the names of unfinished copies begin with. The folder may be shared with other programs (`/tmp`).
const UNFINISHED: &str = "mediamill-";

/// The folder and its bound.
#[derive(Debug, Clone)]
pub struct Scratch {
    folder: PathBuf,
    max_bytes: u64,
    /// Of unfinished copies; names the process, so that workers may share a folder.
    prefix: String,
    partials: Partials,
}

/// A local copy under construction. Dropped, it is deleted.
pub struct ScratchFile {
    named: NamedTempFile,
    writer: tokio::fs::File,
}

/// A local copy could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ScratchError {
    /// Reading the object failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The local disk failed.
    #[error("cannot write to the scratch folder")]
    Disk(#[from] io::Error),
    /// Stored bytes are not those that were hashed.
    #[error("the stored object has another SHA-256 than its key says")]
    Corrupt,
}

impl Scratch {
    /// Opens the folder, making it if need be, and clears what an earlier process left half done.
    pub fn open(folder: &Path, max_bytes: u64) -> io::Result<Self> {
        // One that is there may be shared, and is its owner's to close; the files in it are ours alone.
        let mut private = std::fs::DirBuilder::new();
        private.recursive(true).mode(0o700).create(folder)?;
        // Tools work in folders of their own, from where another path would lead elsewhere.
        let folder = folder.canonicalize()?;
        clear_abandoned(&folder)?;
        let there_are = free_bytes(&folder)?;
        if there_are < max_bytes {
            tracing::warn!(
                folder = %folder.display(), free_bytes = there_are, max_bytes,
                "the scratch folder's disk has less room than its copies may take (MEDIAMILL_SCRATCH_MAX_BYTES)"
            );
        }
        let prefix = format!("{UNFINISHED}{}-", std::process::id());
        Ok(Self {
            folder,
            max_bytes,
            prefix,
            partials: Partials::default(),
        })
    }

    /// An empty file to fill with so many bytes, which are its own from now on, so that no work begins that cannot end for
    /// want of room. Where the disk has none, the oldest copies go: nobody misses them, and files that wait for room must
    /// not wait for each other's copies.
    pub fn create(&self, size_bytes: u64) -> io::Result<ScratchFile> {
        make_room_on_disk(&self.folder, size_bytes.saturating_add(SPARE))?;
        let named = self.unfinished()?;
        reserve(named.as_file(), size_bytes)?;
        let writer = tokio::fs::File::from_std(named.reopen()?);
        Ok(ScratchFile { named, writer })
    }

    fn unfinished(&self) -> io::Result<NamedTempFile> {
        tempfile::Builder::new()
            .prefix(&self.prefix)
            .tempfile_in(&self.folder)
    }

    /// An empty folder, deleted when dropped.
    pub fn folder(&self) -> io::Result<TempDir> {
        tempfile::Builder::new()
            .prefix(&self.prefix)
            .tempdir_in(&self.folder)
    }

    /// Keeps a filled file under its content's name, making room if need be.
    pub async fn keep(&self, file: ScratchFile, sha256: &Sha256) -> io::Result<()> {
        let ScratchFile { named, mut writer } = file;
        writer.flush().await?;
        // The name promises the content, also after a power cut.
        writer.sync_data().await?;
        drop(writer);
        let path = self.path(sha256);
        let (folder, max_bytes) = (self.folder.clone(), self.max_bytes);
        let kept = spawn_blocking(move || {
            named.persist(&path)?;
            make_room(&folder, max_bytes, &path)
        });
        kept.await.map_err(io::Error::other)?
    }

    /// The bytes of an original, from here or else from storage, checked against their hash.
    pub async fn fetch(
        &self,
        store: &ObjectStore,
        bucket: Bucket,
        key: &ObjectKey,
        sha256: &Sha256,
    ) -> Result<File, ScratchError> {
        match File::open(self.path(sha256)) {
            Ok(file) => {
                used_now(&file);
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        let object = store.get(bucket, key, None).await?;
        let mut copy = self.create(object.info.size_bytes)?;
        let mut hash = sha2::Sha256::new();
        let mut body = object.body;
        while let Some(chunk) = body.try_next().await? {
            hash.update(&chunk);
            copy.write(&chunk).await?;
        }
        if Sha256::from_bytes(hash.finalize().into()) != *sha256 {
            return Err(ScratchError::Corrupt);
        }
        let file = copy.reopen().await?;
        self.keep(copy, sha256).await?;
        Ok(file)
    }

    /// The bytes of an original under another name in this folder, which nobody else removes.
    pub async fn link(
        &self,
        store: &ObjectStore,
        bucket: Bucket,
        key: &ObjectKey,
        sha256: &Sha256,
        to: &Path,
    ) -> Result<(), ScratchError> {
        let mut tries = 1;
        loop {
            self.fetch(store, bucket, key, sha256).await?;
            match std::fs::hard_link(self.path(sha256), to) {
                // The copy gave way to others just now.
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < LINK_TRIES => {
                    tries += 1;
                }
                linked => return Ok(linked?),
            }
        }
    }

    /// The same of an original of which no more need be here than is read, by tools that are told of it: `None` where all
    /// of it is here.
    pub async fn part(
        &self,
        store: &ObjectStore,
        bucket: Bucket,
        key: &ObjectKey,
        sha256: &Sha256,
        to: &Path,
    ) -> Result<Option<Arc<Partial>>, ScratchError> {
        let whole = || async {
            let link = self.link(store, bucket, key, sha256, to);
            link.await.map(|()| None)
        };
        if self.path(sha256).exists() || !sandbox::fill::is_possible() {
            return whole().await;
        }
        let partial = if let Some(known) = self.partials.known(sha256) {
            known
        } else {
            let object = store.head(bucket, key).await?;
            let object = object.ok_or(StorageError::NotFound)?;
            if object.size_bytes <= MOST_BYTES {
                return whole().await;
            }
            let file = self.unfinished()?;
            let new = Partial::new(file, &self.folder, store, bucket, key, object)?;
            self.partials.keep(sha256, new, self.max_bytes)
        };
        std::fs::hard_link(partial.path(), to)?;
        Ok(Some(partial))
    }

    /// Takes the copy of an original away, if there is one. Whoever has it open keeps it that long.
    pub fn evict(&self, sha256: &Sha256) -> io::Result<()> {
        self.partials.evict(sha256);
        match std::fs::remove_file(self.path(sha256)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes copies away that nobody uses any more, again and again.
    pub async fn tidy(self) {
        loop {
            let scratch = self.clone();
            let tidied = spawn_blocking(move || scratch.evict_idle(IDLE)).await;
            if let Ok(Err(error)) = tidied {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot tidy the scratch folder"
                );
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the file system has this clock")]
    fn evict_idle(&self, idle: Duration) -> io::Result<()> {
        let now = SystemTime::now();
        self.partials.evict_idle(now, idle);
        for (used, _, path) in copies(&self.folder)? {
            if now.duration_since(used).is_ok_and(|time| time >= idle) {
                // Somebody else may have taken it away just now.
                let _ = std::fs::remove_file(path);
            }
        }
        Ok(())
    }

    fn path(&self, sha256: &Sha256) -> PathBuf {
        self.folder.join(sha256.to_hex())
    }
}

impl ScratchFile {
    /// Appends bytes to the copy.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes).await
    }

    async fn reopen(&mut self) -> io::Result<File> {
        self.writer.flush().await?;
        self.named.reopen()
    }
}

/// Whoever is used goes last. A file system that does not take the time keeps that of the copying.
#[expect(clippy::disallowed_methods, reason = "the file system has this clock")]
fn used_now(copy: &File) {
    let _ = copy.set_modified(SystemTime::now());
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fill(scratch: &Scratch, bytes: &[u8]) -> Sha256 {
        let mut file = scratch.create(0).unwrap();
        file.write(bytes).await.unwrap();
        let sha256 = Sha256::of(bytes);
        scratch.keep(file, &sha256).await.unwrap();
        sha256
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "the file system has this clock")]
    async fn the_oldest_copies_make_room_for_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(folder.path(), 25).unwrap();
        let mut kept = Vec::new();
        for (age, byte) in [(30, b'a'), (20, b'b'), (10, b'c')] {
            let sha256 = fill(&scratch, &[byte; 10]).await;
            let file = File::options()
                .append(true)
                .open(scratch.path(&sha256))
                .unwrap();
            let then = SystemTime::now() - Duration::from_secs(age);
            file.set_modified(then).unwrap();
            kept.push(sha256);
        }
        let newest = fill(&scratch, b"0123456789").await;
        assert!(!scratch.path(&kept[0]).exists() && !scratch.path(&kept[1]).exists());
        assert!(scratch.path(&kept[2]).exists() && scratch.path(&newest).exists());
    }

    #[tokio::test]
    async fn copies_go_when_they_are_of_no_use() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(folder.path(), 100).unwrap();
        let (ended, idle) = (
            fill(&scratch, b"ended").await,
            fill(&scratch, b"idle").await,
        );
        scratch.evict(&ended).unwrap();
        scratch.evict(&ended).unwrap();
        assert!(!scratch.path(&ended).exists() && scratch.path(&idle).exists());
        scratch.evict_idle(Duration::from_mins(1)).unwrap();
        assert!(scratch.path(&idle).exists());
        scratch.evict_idle(Duration::ZERO).unwrap();
        assert!(!scratch.path(&idle).exists());
    }

    #[tokio::test]
    async fn copies_give_way_where_the_disk_has_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(folder.path(), 100).unwrap();
        let copy = fill(&scratch, b"a copy").await;
        drop(scratch.create(1).unwrap());
        assert!(scratch.path(&copy).exists(), "there is room");
        let Err(error) = scratch.create(1 << 50) else {
            panic!("no disk has room for that")
        };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(!scratch.path(&copy).exists());
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }

    #[tokio::test]
    async fn files_of_other_programs_are_let_alone() {
        let folder = tempfile::tempdir().unwrap();
        let theirs = ["thesis.odt", "tmp-99999999-x", "0123456789abcdef"]
            .map(|name| folder.path().join(name));
        for path in &theirs {
            std::fs::write(path, b"not ours").unwrap();
        }
        let scratch = Scratch::open(folder.path(), 1).unwrap();
        fill(&scratch, b"a copy").await;
        assert!(scratch.create(1 << 50).is_err());
        assert!(theirs.iter().all(|path| path.exists()));
    }

    #[tokio::test]
    async fn a_copy_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(folder.path(), 100).unwrap();
        let mut file = scratch.create(0).unwrap();
        file.write(b"half").await.unwrap();
        drop(file);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_dead_process_left_is_cleared_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        // Process ids end at 2^22 on Linux.
        std::fs::write(folder.path().join("mediamill-99999999-x"), b"half").unwrap();
        std::fs::write(folder.path().join("0123"), b"a copy").unwrap();
        Scratch::open(folder.path(), 100).unwrap();
        let left: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .flatten()
            .collect();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].file_name(), "0123");
    }
}
