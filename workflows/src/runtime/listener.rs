//! One listener per process. What it hears is a hint to look; polling is the truth.

use std::{sync::Arc, time::Duration};

use sqlx::{PgPool, postgres::PgListener};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    attempts::Attempts,
    link::{QUERY_TIMEOUT, jittered, within},
    meters,
    slots::Slots,
};
use crate::store::{CANCELLED, CHANNEL};

/// After this much silence the listener sends itself a notification.
const PROBE_AFTER: Duration = Duration::from_secs(15);
const PROBE_ANSWER: Duration = Duration::from_secs(5);
/// Payload that names no queue.
const PROBE: &str = "";

pub(crate) struct Listener {
    pub pool: PgPool,
    pub slots: Slots,
    pub attempts: Arc<Attempts>,
}

impl Listener {
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                result = self.session() => {
                    meters::listening(false);
                    if let Err(error) = result {
                        tracing::warn!(error = %error, "listener lost, polling goes on");
                    }
                    tokio::time::sleep(jittered(Duration::from_secs(1))).await;
                }
            }
        }
    }

    async fn session(&self) -> Result<(), sqlx::Error> {
        let mut listener = within(QUERY_TIMEOUT, PgListener::connect_with(&self.pool)).await?;
        within(QUERY_TIMEOUT, listener.listen_all([CHANNEL, CANCELLED])).await?;
        meters::listening(true);
        // Something may have become ready while nobody listened.
        self.slots.news_everywhere();
        self.slots.look();
        loop {
            match tokio::time::timeout(PROBE_AFTER, listener.try_recv()).await {
                Ok(Ok(Some(heard))) if heard.channel() == CANCELLED => {
                    if let Ok(run_id) = heard.payload().parse::<Uuid>() {
                        self.attempts.cancel_run(run_id);
                    }
                }
                Ok(Ok(Some(heard))) => {
                    // The probe names no queue that anybody has.
                    self.slots.news(heard.payload());
                }
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => return Err(error),
                Err(_silence) => probe(&mut listener).await?,
            }
        }
    }
}

/// A connection can die without a word (half-open TCP, a proxy that forgot). The notification
/// must come back, or the session is made anew.
async fn probe(listener: &mut PgListener) -> Result<(), sqlx::Error> {
    let sending = sqlx::query!("SELECT pg_notify($1, $2)", CHANNEL, PROBE).execute(&mut *listener);
    within(PROBE_ANSWER, sending).await?;
    within(PROBE_ANSWER, listener.try_recv()).await?;
    Ok(())
}
