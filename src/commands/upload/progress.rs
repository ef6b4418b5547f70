//! One line on a terminal; nothing when standard error is not one.

use std::{
    io::{IsTerminal, Write, stderr},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

pub struct Progress {
    name: String,
    total: AtomicU64,
    sent: AtomicU64,
    visible: bool,
}

impl Progress {
    pub fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let visible = stderr().is_terminal();
        Self { name, total: AtomicU64::new(0), sent: AtomicU64::new(0), visible }
    }

    pub fn total(&self, bytes: u64) {
        self.total.store(bytes, Ordering::Relaxed);
    }

    pub fn sent(&self, bytes: u64) {
        let sent = self.sent.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let total = self.total.load(Ordering::Relaxed).max(1);
        self.show(&format!("{} %", sent * 100 / total));
    }

    pub fn step(&self, status: &str) {
        self.show(&status.to_lowercase());
    }

    pub fn clear(&self) {
        if self.visible {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }

    fn show(&self, what: &str) {
        if self.visible {
            let _ = write!(stderr(), "\r\x1b[K{}: {what}", self.name);
        }
    }
}
