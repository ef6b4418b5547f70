//! The digest of a file, so that the service can tell whether it got the same.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use anyhow::Context;
use media::Sha256;
use sha2::Digest as _;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::part::READ_AT_ONCE;

/// A digest that is being computed. Dropped, it is given up.
pub struct Digest {
    reading: JoinHandle<io::Result<Sha256>>,
    _given_up: DropGuard,
}

impl Digest {
    /// Begins to read so many bytes of a file, beside what else reads it.
    pub fn begin(path: &Path, size_bytes: u64) -> Self {
        let path = path.to_owned();
        let given_up = CancellationToken::new();
        let guard = given_up.clone().drop_guard();
        Self {
            reading: tokio::task::spawn_blocking(move || read(&path, size_bytes, &given_up)),
            _given_up: guard,
        }
    }

    /// Waits for it.
    pub async fn finish(self) -> anyhow::Result<Sha256> {
        self.reading.await?.context("cannot read the file")
    }
}

fn read(path: &Path, size_bytes: u64, given_up: &CancellationToken) -> io::Result<Sha256> {
    // No more than it had: it may grow as fast as it is read.
    let mut file = File::open(path)?.take(size_bytes);
    let mut hasher = sha2::Sha256::new();
    let mut bytes = vec![0; READ_AT_ONCE];
    while !given_up.is_cancelled() {
        let read = file.read(&mut bytes)?;
        if read == 0 {
            return Ok(Sha256::from_bytes(hasher.finalize().into()));
        }
        hasher.update(&bytes[..read]);
    }
    Err(io::ErrorKind::Interrupted.into())
}
