//! Tells other processes of work that this one made ready and cannot do at once.
//!
//! Not part of the commit that made it: notifications hold a lock of the whole server while they
//! commit, and a durable commit would hold it for as long as the disk takes. One that is lost with
//! its process costs the others a second, until they look by themselves.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::link::{Link, QUERY_TIMEOUT, within};
use crate::store::notify;

/// Announcements that come this close together share one.
const TOGETHER: Duration = Duration::from_millis(10);

/// Collects the queues to announce.
#[derive(Clone, Default)]
pub(crate) struct Announcements {
    queues: Arc<Mutex<BTreeSet<String>>>,
    some: Arc<Notify>,
}

impl Announcements {
    pub fn add(&self, queue: &str) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.insert(queue.to_owned());
        self.some.notify_one();
    }

    fn take(&self) -> Vec<String> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *queues).into_iter().collect()
    }
}

pub(crate) struct Announcer {
    pub link: Link,
    pub announcements: Announcements,
}

impl Announcer {
    /// Runs until `stop`, and then says what is left to say.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.announcements.some.notified() => tokio::time::sleep(TOGETHER).await,
            }
            let queues = self.announcements.take();
            if !queues.is_empty()
                && let Err(error) = self.announce(&queues).await
            {
                tracing::warn!(error = %error, "announcement failed, others will look");
                tokio::time::sleep(self.link.lose()).await;
            }
        }
        self.link.close().await;
    }

    async fn announce(&mut self, queues: &[String]) -> Result<(), sqlx::Error> {
        let (connection, _) = self.link.get().await?;
        within(QUERY_TIMEOUT, notify(connection, queues)).await?;
        self.link.mend();
        Ok(())
    }
}
