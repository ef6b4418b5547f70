//! What is in the scratch folder, and what goes to make room.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use media::Sha256;
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};

use super::UNFINISHED;

/// Deletes what processes left half done that are gone.
pub(super) fn clear_abandoned(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|n| n.strip_prefix(UNFINISHED)?.split('-').next());
        // Our own id means an earlier process of that id: in a container it is always the same.
        let own = std::process::id().to_string();
        let abandoned =
            owner.is_some_and(|pid| pid == own || !Path::new("/proc").join(pid).exists());
        if abandoned && entry.path().is_dir() {
            let _ = std::fs::remove_dir_all(entry.path());
        } else if abandoned {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// Deletes the oldest copies until so many bytes are free, or none is left.
pub(super) fn make_room_on_disk(folder: &Path, wanted: u64) -> io::Result<()> {
    let lacking = wanted.saturating_sub(free_bytes(folder)?);
    if lacking == 0 {
        return Ok(());
    }
    let copies: u64 = copies(folder)?.iter().map(|(_, bytes, _)| bytes).sum();
    make_room(folder, copies.saturating_sub(lacking), Path::new(""))
}

pub(super) fn free_bytes(folder: &Path) -> io::Result<u64> {
    let disk = nix::sys::statvfs::statvfs(folder)?;
    Ok(disk.blocks_available().saturating_mul(disk.fragment_size()))
}

/// Last use, size and path of each.
pub(super) fn copies(folder: &Path) -> io::Result<Vec<(SystemTime, u64, PathBuf)>> {
    let copies = std::fs::read_dir(folder)?
        .flatten()
        // Neither what is being written nor what is somebody else's.
        .filter(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .parse::<Sha256>()
                .is_ok()
        })
        .filter_map(|entry| {
            let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            Some((metadata.modified().ok()?, metadata.len(), entry.path()))
        });
    Ok(copies.collect())
}

/// Deletes the oldest copies until the rest fits. Readers keep the file they have open.
pub(super) fn make_room(folder: &Path, max_bytes: u64, newest: &Path) -> io::Result<()> {
    let mut copies = copies(folder)?;
    let mut total: u64 = copies.iter().map(|(_, bytes, _)| bytes).sum();
    copies.sort_unstable();
    for (_, bytes, path) in copies {
        if total <= max_bytes {
            break;
        }
        if path != newest && std::fs::remove_file(&path).is_ok() {
            total -= bytes;
        }
    }
    Ok(())
}

/// Takes room on the disk for a file that grows to so many bytes. What it does not use goes with the file. A file system
/// that cannot do that lets a full disk be found out later.
pub(super) fn reserve(file: &File, size_bytes: u64) -> io::Result<()> {
    let Ok(size @ 1..) = i64::try_from(size_bytes) else {
        return Ok(());
    };
    match fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, size) {
        Ok(()) | Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => Ok(()),
        // Larger than any file on this disk.
        Err(Errno::EFBIG) => Err(io::ErrorKind::StorageFull.into()),
        Err(errno) => Err(errno.into()),
    }
}
