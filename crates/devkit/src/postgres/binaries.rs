//! Finding the installed Postgres. Nothing is downloaded.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::Error;

const HINT: &str = "Debian and Ubuntu: apt-get install postgresql; Fedora: dnf install \
                    postgresql-server; Arch: pacman -S postgresql";

/// The programs of one installed Postgres.
#[derive(Debug)]
pub(super) struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// The version that made `data`, or the newest where there is no data yet.
    pub fn find(data: &Path) -> Result<Self, Error> {
        let mut installed: Vec<(u32, PathBuf)> = candidates()
            .into_iter()
            .filter(|folder| folder.join("initdb").is_file())
            .filter_map(|folder| Some((major_version(&folder)?, folder)))
            .collect();
        installed.sort();
        let Ok(wanted) = fs::read_to_string(data.join("PG_VERSION")) else {
            let newest = installed.pop();
            return newest
                .map(|(_, folder)| Self { folder })
                .ok_or(Error::Missing {
                    program: "postgres",
                    hint: HINT,
                });
        };
        let wanted = wanted.trim();
        let all: Vec<String> = installed
            .iter()
            .map(|(version, _)| version.to_string())
            .collect();
        installed
            .into_iter()
            .find(|(version, _)| version.to_string() == wanted)
            .map(|(_, folder)| Self { folder })
            .ok_or_else(|| Error::WrongVersion {
                data: data.into(),
                wanted: wanted.into(),
                installed: if all.is_empty() {
                    "none".into()
                } else {
                    all.join(", ")
                },
            })
    }

    pub fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }
}

/// Debian keeps each version in a folder that is not on `PATH`; elsewhere `pg_config` knows.
fn candidates() -> Vec<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(String::from_utf8_lossy(&output.stdout).trim().into());
    }
    folders
}

/// Reads `postgres (PostgreSQL) 15.18 (…)`.
fn major_version(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres"))
        .arg("--version")
        .output()
        .ok()?;
    let line = String::from_utf8(output.stdout).ok()?;
    let version = line.split_whitespace().nth(2)?;
    version
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}
