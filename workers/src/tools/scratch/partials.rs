//! The copies in part that this process has.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use media::Sha256;

use super::Partial;
use super::used_now;

/// By content. One that nobody works on goes with its entry.
#[derive(Debug, Clone, Default)]
pub(super) struct Partials(Arc<Mutex<HashMap<Sha256, Arc<Partial>>>>);

impl Partials {
    pub(super) fn known(&self, sha256: &Sha256) -> Option<Arc<Partial>> {
        let partial = self.entries().get(sha256).cloned()?;
        used_now(partial.file());
        Some(partial)
    }

    /// Keeps a new one, unless another task was faster, and lets go of those least used until the rest fits.
    pub(super) fn keep(&self, sha256: &Sha256, new: Partial, max_bytes: u64) -> Arc<Partial> {
        let mut entries = self.entries();
        let mut total: u64 = entries.values().map(|partial| partial.bytes_here()).sum();
        let mut known: Vec<_> = entries
            .iter()
            .map(|(sha256, partial)| (used(partial), *sha256, partial.bytes_here()))
            .collect();
        known.sort_unstable_by_key(|&(used, ..)| used);
        for (_, oldest, bytes) in known {
            if total <= max_bytes {
                break;
            }
            entries.remove(&oldest);
            total -= bytes;
        }
        entries.entry(*sha256).or_insert(Arc::new(new)).clone()
    }

    pub(super) fn evict(&self, sha256: &Sha256) {
        self.entries().remove(sha256);
    }

    pub(super) fn evict_idle(&self, now: SystemTime, idle: Duration) {
        let is_used =
            |partial: &Partial| now.duration_since(used(partial)).unwrap_or_default() < idle;
        self.entries().retain(|_, partial| is_used(partial));
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Sha256, Arc<Partial>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that cannot be asked was not used.
fn used(partial: &Partial) -> SystemTime {
    let asked = partial.file().metadata();
    let used = asked.and_then(|metadata| metadata.modified());
    used.unwrap_or(SystemTime::UNIX_EPOCH)
}
