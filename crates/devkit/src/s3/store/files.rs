//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Checksums, layout};

/// A file under `tmp/` that is removed when dropped, unless it was moved to its place.
#[derive(Debug)]
pub(in crate::s3) struct TempFile {
    path: PathBuf,
    moved: bool,
}

impl TempFile {
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        let path = folder.join(layout::new_version());
        File::create_new(&path)?;
        Ok(Self { path, moved: false })
    }

    /// The file, to write to.
    pub(in crate::s3) fn open(&self) -> io::Result<File> {
        File::options().write(true).open(&self.path)
    }

    /// Gives the file its name, making the folder when it is not there.
    pub(super) fn move_to(mut self, target: &Path, sync: bool) -> io::Result<()> {
        let folder = target.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        if sync {
            File::open(&self.path)?.sync_all()?;
        }
        fs::rename(&self.path, target)?;
        self.moved = true;
        if sync { sync_folder(folder) } else { Ok(()) }
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if !self.moved {
            // Whatever stays behind is cleared at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A body on disk that is not an object yet.
#[derive(Debug)]
pub(in crate::s3) struct Received {
    pub(in crate::s3) file: TempFile,
    pub(in crate::s3) size_bytes: u64,
    /// In hex.
    pub(in crate::s3) md5: String,
    pub(in crate::s3) checksums: Checksums,
}

/// Writes a record so that readers see the old one or the new one.
pub(super) fn write_record<T: Serialize>(
    tmp: &Path,
    target: &Path,
    record: &T,
    sync: bool,
) -> io::Result<()> {
    let written = TempFile::create(tmp)?;
    written.open()?.write_all(&serde_json::to_vec(record)?)?;
    written.move_to(target, sync)
}

/// Reads a record; `None` when there is none.
pub(super) fn read_record<T: DeserializeOwned>(
    path: &Path,
) -> Result<Option<T>, super::StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Removes a file; `false` when there was none.
pub(super) fn remove_file(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes a folder and all in it; `false` when there was none.
pub(super) fn remove_folder(path: &Path) -> io::Result<bool> {
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Entries of a folder; none when the folder is not there.
pub(super) fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if is_absent(&error) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Gives `target` the bytes of `source`: by a hard link, or by a copy where the file system has no more links to give.
pub(super) fn link(source: &Path, target: &Path) -> io::Result<()> {
    match fs::hard_link(source, target) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::TooManyLinks | io::ErrorKind::Unsupported
            ) =>
        {
            fs::copy(source, target).map(drop)
        }
        linked => linked,
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}
