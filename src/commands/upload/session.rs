//! What is remembered of an upload until its command has come to its end with every file, so that a second command
//! goes on with what the first one left, and sends nothing twice.
//!
//! That is one idempotency key: the service keeps all the rest. It belongs to an address of the API and to a file as it
//! is now; a file that has changed is another upload.

use std::{
    fs,
    io::{self, Write},
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use media::Sha256;
use uuid::Uuid;

/// A file as it was when its upload began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub size_bytes: u64,
    modified: Option<SystemTime>,
}

impl Snapshot {
    /// Looks at a file, which has to be one.
    pub fn of(path: &Path) -> anyhow::Result<Self> {
        let metadata = fs::metadata(path).context("cannot read the file")?;
        anyhow::ensure!(metadata.is_file(), "not a file");
        Ok(Self {
            size_bytes: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }
}

/// The memory of one upload.
pub struct Session {
    pub idempotency_key: String,
    /// An earlier command began it.
    pub resumed: bool,
    /// Nowhere, where this machine has no place for it.
    file: Option<PathBuf>,
}

impl Session {
    /// Finds the one that an earlier command left behind, or begins another.
    pub fn open(api: &str, path: &Path, snapshot: &Snapshot) -> Self {
        let file = place(api, path, snapshot);
        let kept = file.as_ref().and_then(|file| fs::read_to_string(file).ok());
        let kept = kept.and_then(|key| key.trim().parse::<Uuid>().ok());
        Self {
            resumed: kept.is_some(),
            idempotency_key: kept.unwrap_or_else(Uuid::now_v7).to_string(),
            file,
        }
    }

    /// Begins another upload of the same file.
    pub fn anew(self) -> Self {
        Self {
            idempotency_key: Uuid::now_v7().to_string(),
            resumed: false,
            file: self.file,
        }
    }

    /// Remembers it. Where that cannot be, the upload goes on, and cannot be taken up again.
    pub fn keep(&self) -> io::Result<()> {
        let Some(file) = self.file.as_ref().filter(|_| !self.resumed) else {
            return Ok(());
        };
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = fs::OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        options
            .open(file)?
            .write_all(self.idempotency_key.as_bytes())
    }

    /// The upload has come to its end.
    pub fn forget(&self) {
        if let Some(file) = &self.file {
            let _ = fs::remove_file(file);
        }
    }
}

/// `$XDG_STATE_HOME/mediamill/uploads/…`, by the base directory specification of freedesktop.org.
fn place(api: &str, path: &Path, snapshot: &Snapshot) -> Option<PathBuf> {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let state =
        absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    let path = fs::canonicalize(path).ok()?;
    let modified = snapshot.modified?.duration_since(UNIX_EPOCH).ok()?;
    let name = [
        api.as_bytes(),
        path.as_os_str().as_bytes(),
        &snapshot.size_bytes.to_be_bytes(),
        &modified.as_nanos().to_be_bytes(),
    ];
    let name = Sha256::of(&name.join(&0)).to_hex();
    Some(state.join("mediamill/uploads").join(name))
}
