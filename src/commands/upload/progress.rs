//! How far all files together are: one line on a terminal, and a line now and then where standard error is none.

use std::{
    collections::BTreeMap,
    fmt::Display,
    io::{IsTerminal, Write, stderr},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::output::{harmless, note};

/// Between two lines where there is no terminal.
const TELL_EVERY: Duration = Duration::from_secs(10);

pub struct Progress {
    files: usize,
    /// Bytes of all files, known from the start: what is sent is never less of it than it was.
    total: u64,
    done: AtomicUsize,
    sent: AtomicU64,
    /// What the service does with those that it has.
    statuses: Mutex<BTreeMap<PathBuf, Status>>,
    terminal: bool,
}

/// What the service does with a file that it has.
pub struct Status {
    pub words: String,
    /// How much of its processing is done.
    pub percent: u64,
}

impl Progress {
    pub fn of(files: &[PathBuf]) -> Self {
        let sizes = files.iter().filter_map(|path| std::fs::metadata(path).ok());
        Self {
            files: files.len(),
            total: sizes.map(|metadata| metadata.len()).sum(),
            done: AtomicUsize::new(0),
            sent: AtomicU64::new(0),
            statuses: Mutex::default(),
            terminal: stderr().is_terminal(),
        }
    }

    pub fn sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
        self.show();
    }

    /// What the service does with a file that is there.
    pub fn status(&self, path: &Path, status: Status) {
        self.statuses().insert(path.to_owned(), status);
        self.show();
    }

    /// A file has come to its end: makes way for the line that says how.
    pub fn done(&self, path: &Path) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.statuses().remove(path);
        self.clear();
    }

    /// A line for people. It may hold names of files.
    pub fn say(&self, text: impl Display) {
        self.clear();
        note!("{}", harmless(&text.to_string()));
    }

    /// Tells how far it is, again and again, where nobody sees it otherwise.
    pub async fn tell(&self) {
        if self.terminal {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(TELL_EVERY).await;
            note!("{}", self.line());
        }
    }

    fn clear(&self) {
        if self.terminal {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }

    fn show(&self) {
        if self.terminal {
            let _ = write!(stderr(), "\r\x1b[K{}", self.line());
        }
    }

    fn line(&self) -> String {
        let sent = self.sent.load(Ordering::Relaxed);
        let done = self.done.load(Ordering::Relaxed);
        let percent = sent.min(self.total) * 100 / self.total.max(1);
        let statuses = self.statuses();
        let mut by_status: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for status in statuses.values() {
            let (files, percent) = by_status.entry(&status.words).or_default();
            *files += 1;
            *percent += status.percent;
        }
        let statuses = by_status.iter().map(|(status, (files, percent))| {
            // The average of those that are at it.
            format!(", {files} {status} {} %", percent / files)
        });
        let statuses: Vec<_> = statuses.collect();
        format!(
            "{done} of {} files, {percent} % sent{}",
            self.files,
            statuses.concat()
        )
    }

    fn statuses(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Status>> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
