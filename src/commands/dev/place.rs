//! Where the commands for operators find the database of a running `mediamill dev`.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};

/// The default of `--data-dir`.
pub const DATA_DIR: &str = ".mediamill";

const FILE: &str = "database-url";

/// The file with the address, there as long as the database is.
pub struct UrlFile(PathBuf);

impl Drop for UrlFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Writes the address where nobody else can read it: it holds the password.
pub fn write(data_dir: &Path, url: &str) -> anyhow::Result<UrlFile> {
    let path = data_dir.join(FILE);
    // One that was left behind may have other rights.
    let _ = fs::remove_file(&path);
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(&path);
    file.and_then(|mut file| file.write_all(url.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(UrlFile(path))
}

/// The address of the database of the `mediamill dev` that runs in a folder.
pub fn read(data_dir: &Path) -> anyhow::Result<String> {
    match fs::read_to_string(data_dir.join(FILE)) {
        Ok(url) => Ok(url),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(anyhow!(
            "no `mediamill dev` runs with its data in {}",
            data_dir.display()
        )),
        Err(error) => Err(error).with_context(|| {
            format!(
                "cannot read the database's address in {}",
                data_dir.display()
            )
        }),
    }
}
