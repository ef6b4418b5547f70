//! How far it is: on a terminal a bar for each file that is being sent and one for all; elsewhere a line now and then.

use std::{
    collections::BTreeMap,
    fmt::Display,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::shown;
use crate::output::{harmless, note};

/// Between two lines where there is no terminal.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// Redraws in a second, at most.
const DRAWN_PER_SECOND: u8 = 10;

pub struct Progress {
    bars: MultiProgress,
    /// Bytes of all files, as they were at the start.
    all: ProgressBar,
    counts: Mutex<Counts>,
}

struct Counts {
    files: usize,
    done: usize,
    /// What the service does with those that it has.
    statuses: BTreeMap<PathBuf, Status>,
}

/// What the service does with a file that it has.
pub struct Status {
    pub words: String,
    /// How much of its processing is done.
    pub percent: u64,
}

/// How far one file is. Its bar goes with it.
pub struct FileProgress {
    bar: ProgressBar,
    all: ProgressBar,
}

/// Bytes of one file that are on their way; taken back unless they are said to have arrived.
pub struct OnTheWay {
    bar: ProgressBar,
    all: ProgressBar,
    bytes: AtomicU64,
}

impl Progress {
    pub fn of(files: &[PathBuf]) -> Self {
        let sizes = files.iter().filter_map(|path| std::fs::metadata(path).ok());
        let target = ProgressDrawTarget::stderr_with_hz(DRAWN_PER_SECOND);
        let bars = MultiProgress::with_draw_target(target);
        let all = ProgressBar::new(sizes.map(|metadata| metadata.len()).sum());
        let all = bars.add(all.with_style(style(
            "{bar:20} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left; {wide_msg}",
        )));
        let counts = Counts {
            files: files.len(),
            done: 0,
            statuses: BTreeMap::new(),
        };
        Self {
            bars,
            all,
            counts: Mutex::new(counts),
        }
    }

    /// Begins with a file.
    pub fn file(&self, path: &Path, size_bytes: u64) -> FileProgress {
        let name = shown(path.file_name().unwrap_or(path.as_os_str()).as_ref());
        let bar = ProgressBar::new(size_bytes).with_prefix(name);
        let bar = bar.with_style(style("{prefix:24!} {bar:20} {percent:>3} % {msg}"));
        FileProgress {
            bar: self.bars.insert_before(&self.all, bar),
            all: self.all.clone(),
        }
    }

    /// What the service does with a file that is there.
    pub fn status(&self, path: &Path, status: Status) {
        self.counts().statuses.insert(path.to_owned(), status);
        self.show();
    }

    /// A file has come to its end.
    pub fn done(&self, path: &Path) {
        let mut counts = self.counts();
        counts.done += 1;
        counts.statuses.remove(path);
        drop(counts);
        self.show();
    }

    /// A line for people. It may hold names of files.
    pub fn say(&self, text: impl Display) {
        self.aside(|| note!("{}", harmless(&text.to_string())));
    }

    /// Makes way for what is written meanwhile.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bars.suspend(write)
    }

    /// Takes the bars away.
    pub fn clear(&self) {
        let _ = self.bars.clear();
    }

    /// Tells how far it is, again and again, where nobody sees it otherwise.
    pub async fn tell(&self) {
        if !self.bars.is_hidden() {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(TELL_EVERY).await;
            let total = self.all.length().unwrap_or_default();
            let percent = self.all.position().min(total) * 100 / total.max(1);
            note!("{}", self.counts().line(&format!(", {percent} % sent")));
        }
    }

    fn show(&self) {
        let line = self.counts().line("");
        self.all.set_message(line);
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn line(&self, sent: &str) -> String {
        let mut by_status: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for status in self.statuses.values() {
            let (files, percent) = by_status.entry(&status.words).or_default();
            *files += 1;
            *percent += status.percent;
        }
        let statuses = by_status.iter().map(|(status, (files, percent))| {
            // The average of those that are at it.
            format!(", {files} {status} {} %", percent / files)
        });
        let statuses: Vec<_> = statuses.collect();
        let (done, files, statuses) = (self.done, self.files, statuses.concat());
        format!("{done} of {files} files{sent}{statuses}")
    }
}

impl FileProgress {
    /// The sending begins, and so many bytes were sent before.
    pub fn sending(&self, sent_before: u64) {
        self.bar.set_message("sent");
        self.bar.set_position(sent_before);
        self.all.inc(sent_before);
    }

    /// More is being sent.
    pub fn on_the_way(&self) -> OnTheWay {
        OnTheWay {
            bar: self.bar.clone(),
            all: self.all.clone(),
            bytes: AtomicU64::new(0),
        }
    }
}

impl Drop for FileProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl OnTheWay {
    pub fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bar.inc(bytes);
        self.all.inc(bytes);
    }

    pub fn arrived(&self) {
        self.bytes.store(0, Ordering::Relaxed);
    }
}

impl Drop for OnTheWay {
    fn drop(&mut self) {
        let bytes = *self.bytes.get_mut();
        self.bar.dec(bytes);
        self.all.dec(bytes);
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
