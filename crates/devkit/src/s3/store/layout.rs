//! Where things are. Keys never become paths: they are hashed, so any key is as good as any other.
//!
//! ```text
//! lock                                     held by the one server of this folder
//! tmp/                                     being written; emptied at start
//! trash/<version>/                         deleted, perhaps still being read; emptied at start
//! data/<xx>/<version>/<file>               bytes of one version of an object, or of an upload's parts
//! buckets/<bucket>/bucket.json
//! buckets/<bucket>/objects/<xx>/<sha256 of the key>.json
//! buckets/<bucket>/uploads/<upload id>/upload.json, <part number>.json
//! ```
//!
//! A version is owned by one object or one upload. The version of a completed upload is the upload's id, which is why
//! completing moves nothing.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use s3s::crypto::{Checksum as _, Sha256};
use uuid::Uuid;

#[derive(Clone, Debug)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(super) fn create(root: &Path) -> io::Result<Self> {
        for folder in ["tmp", "trash", "data", "buckets"] {
            fs::create_dir_all(root.join(folder))?;
        }
        // Whatever the umask: here lie unscanned uploads and originals, with all that they tell.
        fs::set_permissions(root, fs::Permissions::from_mode(0o700))?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// Removes what was being written or deleted when the last server stopped.
    pub(super) fn empty_scratch(&self) -> io::Result<()> {
        for folder in [self.tmp(), self.root.join("trash")] {
            fs::remove_dir_all(&folder)?;
            fs::create_dir(&folder)?;
        }
        Ok(())
    }

    pub(super) fn lock_file(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(super) fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    pub(super) fn trash(&self, version: &str) -> PathBuf {
        self.root.join("trash").join(version)
    }

    pub(super) fn data(&self, version: &str) -> PathBuf {
        // The tail of a UUIDv7 is random; its head is the time.
        let shard = version
            .get(version.len().saturating_sub(2)..)
            .unwrap_or("00");
        self.root.join("data").join(shard).join(version)
    }

    pub(super) fn buckets(&self) -> PathBuf {
        self.root.join("buckets")
    }

    pub(super) fn bucket(&self, bucket: &str) -> PathBuf {
        self.buckets().join(bucket)
    }

    pub(super) fn bucket_file(&self, bucket: &str) -> PathBuf {
        self.bucket(bucket).join("bucket.json")
    }

    pub(super) fn objects(&self, bucket: &str) -> PathBuf {
        self.bucket(bucket).join("objects")
    }

    pub(super) fn object(&self, bucket: &str, key: &str) -> PathBuf {
        let name = hex(Sha256::checksum(key.as_bytes()).as_ref());
        self.objects(bucket).join(&name[..2]).join(name + ".json")
    }

    pub(super) fn uploads(&self, bucket: &str) -> PathBuf {
        self.bucket(bucket).join("uploads")
    }

    /// `None` unless the text has the form of our upload ids; it comes from a URL.
    pub(super) fn upload(&self, bucket: &str, upload_id: &str) -> Option<PathBuf> {
        let well_formed = upload_id.len() == 32 && upload_id.bytes().all(|b| b.is_ascii_hexdigit());
        well_formed.then(|| self.uploads(bucket).join(upload_id))
    }
}

/// A new name for a version or an upload.
pub(super) fn new_version() -> String {
    Uuid::now_v7().simple().to_string()
}

pub(in crate::s3) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
            text
        })
}
