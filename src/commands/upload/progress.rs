//! One line on a terminal; nothing when standard error is not one.

use std::{
    io::{IsTerminal, Write, stderr},
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

/// How far all files together are.
pub struct Progress {
    files: usize,
    done: AtomicUsize,
    total: AtomicU64,
    sent: AtomicU64,
    visible: bool,
}

impl Progress {
    pub fn of(files: usize) -> Self {
        Self {
            files,
            done: AtomicUsize::new(0),
            total: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            visible: stderr().is_terminal(),
        }
    }

    /// A file of so many bytes is on its way.
    pub fn begin(&self, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
    }

    pub fn sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
        self.show("");
    }

    /// What the service does with a file that is there.
    pub fn status(&self, status: &str) {
        self.show(&if self.files == 1 {
            status.to_lowercase()
        } else {
            String::new()
        });
    }

    /// A file has come to its end: makes way for the line that says how.
    pub fn done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
        if self.visible {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }

    fn show(&self, status: &str) {
        if !self.visible {
            return;
        }
        let (sent, total) = (
            self.sent.load(Ordering::Relaxed),
            self.total.load(Ordering::Relaxed),
        );
        let percent = sent * 100 / total.max(1);
        let done = self.done.load(Ordering::Relaxed);
        let _ = write!(
            stderr(),
            "\r\x1b[K{done} of {} files, {percent} % sent {status}",
            self.files
        );
    }
}
