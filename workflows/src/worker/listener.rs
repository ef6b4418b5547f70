//! One listener per process. What it hears is a hint to look; polling is the truth.

use std::{sync::Arc, time::Duration};

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio_util::sync::CancellationToken;

use crate::define::ids::LaneId;
use crate::store::error::StoreError;
use crate::{
    store::{
        CANCELLED, CHANNEL,
        connection::jittered,
        lanes::Lanes,
        notify_probe,
        session::{ANSWER, Session, answered, within},
    },
    worker::{in_flight::InFlight, metrics, slots::Slots},
};

/// After this much silence the listener sends itself a notification.
const PROBE_AFTER: Duration = Duration::from_secs(20);
/// Payload that names no lane.
const PROBE: &str = "";

pub(crate) struct Listener {
    pub session: Session,
    pub lanes: Arc<Lanes>,
    pub slots: Slots,
    pub attempts: Arc<InFlight>,
}

impl Listener {
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                result = self.listen() => {
                    metrics::listening(false);
                    if let Err(error) = result {
                        tracing::warn!(error = %error, "listener lost, polling goes on");
                    }
                    tokio::time::sleep(jittered(Duration::from_secs(1))).await;
                }
            }
        }
    }

    async fn listen(&self) -> Result<(), StoreError> {
        // A pool for each session: a listener gives its connection back when it is dropped, and a
        // silent one would never come back.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ANSWER)
            .connect_lazy_with(self.session.options().clone());
        let mut listener = answered(ANSWER, PgListener::connect_with(&pool)).await?;
        answered(ANSWER, listener.listen_all([CHANNEL, CANCELLED])).await?;
        metrics::listening(true);
        // Something may have become ready while nobody listened.
        self.slots.mark_all_ready();
        self.slots.wake();
        loop {
            match tokio::time::timeout(PROBE_AFTER, listener.try_recv()).await {
                Ok(Ok(Some(heard))) => self.heard(heard.channel(), heard.payload()),
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => return Err(error.into()),
                Err(_silence) => self.probe(&mut listener).await?,
            }
        }
    }

    fn heard(&self, channel: &str, payload: &str) {
        if channel == CANCELLED {
            if let Ok(stop) = payload.parse() {
                self.attempts.stop(stop);
            }
        } else if let Some(lane) = payload
            .parse()
            .ok()
            .and_then(|lane| self.lanes.get(LaneId(lane)))
        {
            self.slots.mark_ready(lane.queue);
        }
    }

    /// A connection can die without a word (half-open TCP, a proxy that forgot). The notification
    /// must come back, or the session is made anew. Where the server's queue of notifications is
    /// full, the refusal is an answer too.
    async fn probe(&self, listener: &mut PgListener) -> Result<(), StoreError> {
        let sending = notify_probe(listener, PROBE);
        match within(ANSWER, sending).await {
            Err(error) if error.is_answer() => return Ok(()),
            sent => sent?,
        }
        if let Some(heard) = answered(ANSWER, listener.try_recv()).await? {
            self.heard(heard.channel(), heard.payload());
        }
        Ok(())
    }
}
