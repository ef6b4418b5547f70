//! Whether a running engine can do its work, for readiness checks.

use tokio::sync::watch;

/// What the parts of an engine know of their connections.
#[derive(Debug, Clone)]
pub(crate) struct Vitals {
    /// Others see that this process lives. Without it nothing is claimed.
    pub present: watch::Sender<bool>,
    /// Ends of attempts can be written.
    pub committing: watch::Sender<bool>,
}

impl Default for Vitals {
    fn default() -> Self {
        Self {
            present: watch::Sender::new(false),
            committing: watch::Sender::new(true),
        }
    }
}

/// A view on a running engine's health. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Health(pub(crate) Vitals);

impl Health {
    /// Whether the engine claims tasks: the database says that it sees this process, and the last
    /// commit came through.
    pub fn is_ready(&self) -> bool {
        *self.0.present.borrow() && *self.0.committing.borrow()
    }

    /// Waits until [`is_ready`](Self::is_ready).
    pub async fn ready(&self) {
        let (mut present, mut committing) =
            (self.0.present.subscribe(), self.0.committing.subscribe());
        while !self.is_ready() {
            // The senders live as long as this view.
            let _ = present.wait_for(|present| *present).await;
            let _ = committing.wait_for(|committing| *committing).await;
        }
    }
}
