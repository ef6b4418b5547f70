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

use crate::define::ids::LaneId;
use crate::store::error::StoreError;
use crate::store::{
    connection::Link,
    notify,
    session::{ANSWER, within},
};

/// Notifications that come this close together share one.
const TOGETHER: Duration = Duration::from_millis(10);

/// Collects the lanes to announce.
#[derive(Clone, Default)]
pub(crate) struct Notifications {
    lanes: Arc<Mutex<BTreeSet<LaneId>>>,
    some: Arc<Notify>,
}

impl Notifications {
    pub fn add(&self, lane: LaneId) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.insert(lane);
        self.some.notify_one();
    }

    fn take(&self) -> Vec<LaneId> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *lanes).into_iter().collect()
    }
}

pub(crate) struct Notifier {
    pub link: Link,
    pub notifications: Notifications,
}

impl Notifier {
    /// Runs until `stop`, and then says what is left to say.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.notifications.some.notified() => tokio::time::sleep(TOGETHER).await,
            }
            let lanes = self.notifications.take();
            if !lanes.is_empty()
                && let Err(error) = self.announce(&lanes).await
            {
                tracing::debug!(error = %error, "announcement failed, others will look");
                let wait = self.link.disconnect();
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }
        self.link.close().await;
    }

    async fn announce(&mut self, lanes: &[LaneId]) -> Result<(), StoreError> {
        let (connection, _) = self.link.get().await?;
        within(ANSWER, notify(connection, lanes)).await?;
        self.link.reset_backoff();
        Ok(())
    }
}
