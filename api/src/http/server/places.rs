//! How many connections there may be, and who makes way for another.

use std::sync::Arc;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How often a full house asks again for somebody to make way.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// The places of a server.
#[derive(Debug)]
pub struct Places {
    free: Arc<Semaphore>,
    /// Wakes those that wait without a request, the one that has waited longest first.
    wanted: Notify,
}

impl Places {
    /// So many, or half as many as there may be open files: database, store and log need some too.
    pub fn new(connections: usize) -> Self {
        let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        let places = connections.min(files / 2).clamp(1, Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(places)),
            wanted: Notify::new(),
        }
    }

    /// A place. When there is none, a connection without a request makes way.
    pub async fn take(&self) -> OwnedSemaphorePermit {
        loop {
            let free = Arc::clone(&self.free);
            if let Ok(place) = Arc::clone(&free).try_acquire_owned() {
                return place;
            }
            self.wanted.notify_one();
            if let Ok(Ok(place)) = timeout(ASK_AGAIN, free.acquire_owned()).await {
                return place;
            }
        }
    }

    /// Ends when the caller should make way. To be asked only while it has no request.
    pub async fn wanted(&self) {
        loop {
            self.wanted.notified().await;
            // A wake-up that nobody was there to hear is heard by the next, perhaps much later.
            if self.free.available_permits() == 0 {
                return;
            }
        }
    }
}
