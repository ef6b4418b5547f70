//! Which files are sent: those that are named, and what is in the folders that are named.
//!
//! Of a folder's contents, hidden ones stay, and symbolic links are not followed: neither may somebody send more than
//! meant, nor does a link that leads back end nowhere. Whatever is named itself is taken as it is.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use walkdir::{DirEntry, WalkDir};

use super::shown;

/// What is on the command line, with folders as what is in them.
#[derive(Default)]
pub struct Gathered {
    /// In the order of the command line, and of names within a folder; each once.
    pub files: Vec<PathBuf>,
    /// Could not be looked into.
    pub unread: Vec<(PathBuf, anyhow::Error)>,
    /// Why something was left out, for how much that holds, and the first of it.
    left_out: BTreeMap<Reason, (usize, PathBuf)>,
}

/// Why something in a folder is not sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    Hidden,
    Link,
    Special,
}

/// Looks for the files, which may take as long as there are folders.
pub fn gather(named: &[PathBuf]) -> Gathered {
    let mut gathered = Gathered::default();
    let mut seen = HashSet::new();
    for path in named {
        if path.is_dir() {
            gathered.folder(path, &mut seen);
        } else {
            // What is no file is told so when it is to be sent.
            gathered.file(path, &mut seen);
        }
    }
    gathered
}

impl Gathered {
    /// Sentences about what was left out.
    pub fn left_out(&self) -> impl Iterator<Item = String> {
        self.left_out.iter().map(|(reason, (count, first))| {
            let first = shown(first);
            match count {
                1 => format!("left out {first}: {reason}"),
                _ => format!("left out {first} and {} more: {reason}", count - 1),
            }
        })
    }

    fn file(&mut self, path: &Path, seen: &mut HashSet<PathBuf>) {
        let same = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if seen.insert(same) {
            self.files.push(path.to_owned());
        }
    }

    fn folder(&mut self, folder: &Path, seen: &mut HashSet<PathBuf>) {
        let mut entries = WalkDir::new(folder).sort_by_file_name().into_iter();
        while let Some(entry) = entries.next() {
            match entry {
                Ok(entry) => match reason(&entry) {
                    Some(reason) => {
                        if entry.file_type().is_dir() {
                            entries.skip_current_dir();
                        }
                        let first = (0, entry.path().to_owned());
                        self.left_out.entry(reason).or_insert(first).0 += 1;
                    }
                    None if entry.file_type().is_file() => self.file(entry.path(), seen),
                    None => {}
                },
                Err(error) => {
                    let path = error.path().unwrap_or(folder).to_owned();
                    let cause = error.into_io_error().map(anyhow::Error::from);
                    let cause = cause.unwrap_or_else(|| anyhow::anyhow!("it contains itself"));
                    self.unread.push((path, cause.context("cannot be read")));
                }
            }
        }
    }
}

fn reason(entry: &DirEntry) -> Option<Reason> {
    let kind = entry.file_type();
    if entry.depth() == 0 {
        None
    } else if entry.file_name().as_bytes().starts_with(b".") {
        Some(Reason::Hidden)
    } else if kind.is_symlink() {
        Some(Reason::Link)
    } else if kind.is_file() || kind.is_dir() {
        None
    } else {
        Some(Reason::Special)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hidden => "hidden; what is named itself is sent",
            Self::Link => "symbolic links in folders are not followed",
            Self::Special => "neither a file nor a folder",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn folders_are_their_files_but_hidden_ones_links_and_devices() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("photos/b/.git")).unwrap();
        fs::create_dir_all(at("photos/empty")).unwrap();
        for file in [
            "photos/b/2.jpg",
            "photos/b/.git/config",
            "photos/.DS_Store",
            "photos/a.jpg",
            "other.jpg",
        ] {
            fs::write(at(file), "x").unwrap();
        }
        symlink(at("photos"), at("photos/b/back")).unwrap();
        symlink(at("other.jpg"), at("photos/link.jpg")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("photos/socket")).unwrap();

        let sent = |named: &[&str]| {
            let named: Vec<_> = named.iter().map(|name| at(name)).collect();
            let gathered = gather(&named);
            assert!(gathered.unread.is_empty());
            let relative = |path: &PathBuf| {
                let path = path.strip_prefix(root.path()).unwrap();
                path.to_str().unwrap().to_owned()
            };
            let files: Vec<_> = gathered.files.iter().map(relative).collect();
            let told: Vec<_> = gathered.left_out().collect();
            (files, told.join("\n"))
        };
        let (files, told) = sent(&["photos"]);
        assert_eq!(files, ["photos/a.jpg", "photos/b/2.jpg"]);
        assert!(
            told.contains("/photos/.DS_Store and 1 more: hidden"),
            "{told}"
        );
        assert!(
            told.contains("/photos/b/back and 1 more: symbolic links"),
            "{told}"
        );
        assert!(
            told.contains("/photos/socket: neither a file nor"),
            "{told}"
        );
        // What is named itself is taken, and what is named twice is sent once.
        let named = [
            "photos/link.jpg",
            "photos/.DS_Store",
            "other.jpg",
            "photos/b",
            "photos",
        ];
        let expected = [
            "photos/link.jpg",
            "photos/.DS_Store",
            "photos/b/2.jpg",
            "photos/a.jpg",
        ];
        assert_eq!(sent(&named).0, expected);
        assert_eq!(sent(&["photos/empty"]), (vec![], String::new()));
    }
}
