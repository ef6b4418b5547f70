//! The folder that holds one service's data, and the short one that holds its socket.
//!
//! The folder is locked for as long as we use it; the kernel lets go of the lock when we die, so it
//! tells a live owner from leftovers, which a pid file cannot.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest, Sha256};

use crate::{Error, identity::Identity};

/// Where root keeps the data of a project that the unprivileged user cannot reach.
const UNREACHABLE_HOME: &str = "/var/lib/mediamill";

/// `sun_path` holds 108 bytes with its NUL (unix(7)); 24 are kept for the socket's own name.
const MAX_SOCKET_FOLDER: usize = 107 - 24;

/// A log is set aside at start when it has grown past this many bytes.
const MAX_LOG: u64 = 16 << 20;

/// One service's folder, locked.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    sockets: PathBuf,
    identity: Identity,
    _lock: Flock<File>,
}

impl Folder {
    /// Makes, locks and readies the folder. Fails at once if another process uses it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let identity = Identity::for_services()?;
        make(path)?;
        let mut path = path.canonicalize().map_err(Error::file("find", path))?;
        if !identity.can_reach(&path) {
            let elsewhere = Path::new(UNREACHABLE_HOME).join(name_of(&path));
            make_ours(Path::new(UNREACHABLE_HOME))?;
            make_ours(&elsewhere)?;
            tracing::info!(
                folder.asked = %path.display(), folder.used = %elsewhere.display(),
                "services run as an unprivileged user that cannot enter this folder; using another"
            );
            path = elsewhere;
        }
        let lock = lock(&path)?;
        let sockets = socket_folder(&path, identity)?;
        Ok(Self {
            path,
            sockets,
            identity,
            _lock: lock,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A short path, closed to all other users, for the unix socket.
    pub fn sockets(&self) -> &Path {
        &self.sockets
    }

    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Makes a folder inside that only the service's user can enter.
    pub fn private(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        make_private(&path, self.identity)?;
        Ok(path)
    }

    /// Opens a log file inside for appending.
    pub fn log(&self, name: &str) -> Result<(PathBuf, File), Error> {
        let path = self.path.join(name);
        if path.metadata().is_ok_and(|m| m.len() > MAX_LOG) {
            fs::rename(&path, path.with_extension("log.1"))
                .map_err(Error::file("rename", &path))?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(Error::file("open", &path))?;
        Ok((path, file))
    }

    /// Writes a file inside that only the service's user can read.
    pub fn write_private(&self, name: &str, content: &str) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        let new = self.path.join(format!("{name}.new"));
        let write = || -> io::Result<()> {
            let file = File::create(&new)?;
            file.set_permissions(Permissions::from_mode(0o600))?;
            io::Write::write_all(&mut &file, content.as_bytes())?;
            file.sync_all()
        };
        write().map_err(Error::file("write", &new))?;
        self.identity.own(&new)?;
        fs::rename(&new, &path).map_err(Error::file("write", &path))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Best effort: a socket folder that stays behind is empty, and is taken over next time.
        let _ = fs::remove_dir_all(&self.sockets);
    }
}

/// Makes the folder that holds the data of all services, or closes one that is there: no other user
/// lists it. As root we leave the way through it open, which the services' unprivileged user must
/// take; each folder inside is closed by whoever keeps data there.
pub fn close_data_folder(path: &Path) -> Result<(), Error> {
    make(path)?;
    let mode = if Identity::for_services()?.is_another_user() {
        0o711
    } else {
        0o700
    };
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(Error::file("close to others", path))
}

fn make(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(Error::file("make", path))
}

/// A folder in a shared place that others may look into but only we can write to. An existing one
/// is taken over only if that is so.
pub(crate) fn make_ours(path: &Path) -> Result<(), Error> {
    match fs::create_dir(path) {
        // Said again, because the umask may have taken it away.
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(0o711))
            .map_err(Error::file("open up", path))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(Error::file("make", path)(error)),
    }
    let found = path
        .symlink_metadata()
        .map_err(Error::file("look at", path))?;
    let ours = found.uid() == nix::unistd::Uid::effective().as_raw();
    if ours && found.is_dir() && found.mode() & 0o022 == 0 {
        Ok(())
    } else {
        Err(Error::NotOurs(path.into()))
    }
}

/// Sixteen hex digits that stand for a path.
fn name_of(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    digest
        .iter()
        .take(8)
        .fold(String::new(), |name, byte| format!("{name}{byte:02x}"))
}

fn lock(folder: &Path) -> Result<Flock<File>, Error> {
    let path = folder.join("lock");
    let file = File::create(&path).map_err(Error::file("make", &path))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        nix::Error::EWOULDBLOCK => Error::InUse(folder.into()),
        other => Error::File {
            action: "lock",
            path,
            source: other.into(),
        },
    })
}

fn socket_folder(data: &Path, identity: Identity) -> Result<PathBuf, Error> {
    let name = format!("mediamill-{}", name_of(data));
    // The systemd place for sockets, unless it is another user's (root's is closed to `nobody`).
    let runtime = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|runtime| {
            runtime.is_absolute()
                && runtime
                    .metadata()
                    .is_ok_and(|m| m.is_dir() && identity.owns(&m))
                && runtime.join(&name).as_os_str().len() <= MAX_SOCKET_FOLDER
        });
    let path = runtime.unwrap_or_else(|| "/tmp".into()).join(name);
    make_private(&path, identity)?;
    Ok(path)
}

/// A folder that only `identity` can enter. An existing one is taken over only if it is ours:
/// the name is predictable, and in `/tmp` anybody could have made it first.
fn make_private(path: &Path, identity: Identity) -> Result<(), Error> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => identity.own(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let found = path
                .symlink_metadata()
                .map_err(Error::file("look at", path))?;
            if !found.is_dir() || !identity.owns(&found) || found.permissions().mode() & 0o077 != 0
            {
                return Err(Error::NotOurs(path.into()));
            }
            Ok(())
        }
        Err(error) => Err(Error::file("make", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_user_at_a_time() {
        let scratch = tempfile::tempdir().unwrap();
        let first = Folder::open(scratch.path()).unwrap();
        assert!(matches!(Folder::open(scratch.path()), Err(Error::InUse(_))));
        drop(first);
        Folder::open(scratch.path()).unwrap();
    }

    #[test]
    fn a_data_folder_is_closed_to_others_also_when_it_was_open() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("data");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        close_data_folder(&path).unwrap();
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o066, 0, "{mode:o}");
    }

    #[test]
    fn the_socket_folder_is_short_and_private_however_long_the_data_path() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = Folder::open(&scratch.path().join("d".repeat(200))).unwrap();
        assert!(folder.sockets().as_os_str().len() <= MAX_SOCKET_FOLDER);
        assert_eq!(
            folder.sockets().metadata().unwrap().permissions().mode() & 0o777,
            0o700
        );
    }

    #[test]
    fn a_socket_folder_that_others_can_enter_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("open");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
        let identity = Identity::for_services().unwrap();
        assert!(matches!(
            make_private(&path, identity),
            Err(Error::NotOurs(_))
        ));
    }
}
