//! Where outputs are read from.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Files by name, as a player would fetch them.
pub trait Outputs {
    /// All bytes of `name`.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// The media type that `name` is served with; `None` where nothing is served.
    fn media_type(&self, name: &str) -> Option<String>;
}

/// Outputs in a local folder.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// The largest file that is read, in bytes: a segment at ten times the highest bitrate.
const MOST_BYTES: u64 = 64 << 20;

impl Folder {
    /// Outputs in `path`.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl Outputs for Folder {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        if name.split('/').any(|part| matches!(part, ".." | "." | "")) {
            return Err(io::Error::other("a name that leads elsewhere"));
        }
        let mut bytes = Vec::new();
        let file = std::fs::File::open(self.0.join(name))?;
        file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(io::Error::other("a file that is too large"));
        }
        Ok(bytes)
    }

    fn media_type(&self, _name: &str) -> Option<String> {
        None
    }
}
