//! The order in which an engine comes to its end: claims first, then what runs, then the commits,
//! and the presence last. Every wait has a limit, which a second signal makes short.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    engine::{
        parts::Parts,
        supervisor::{Ended, Supervisor},
    },
    worker::complete::CompleteLayer,
};

/// What each phase gets beyond the grace.
const MORE: Duration = Duration::from_secs(2);
/// The same after a second signal.
const HASTE: Duration = Duration::from_secs(1);

/// The signals at which the parts of each phase end.
#[derive(Clone, Default)]
pub(crate) struct Stop {
    pub claiming: CancellationToken,
    pub sweeping: CancellationToken,
    pub leaving: CancellationToken,
    /// What is not committed by then is done again elsewhere.
    pub give_up: CancellationToken,
}

/// The parts of a running engine, by when they end.
#[derive(Default)]
pub(crate) struct Phases {
    pub stop: Stop,
    pub claiming: Supervisor,
    pub working: Supervisor,
    pub sweeping: Supervisor,
    pub committing: Supervisor,
    pub leaving: Supervisor,
}

impl Phases {
    /// Waits for the stop, or for a part that ends by itself.
    pub async fn first_end(&mut self, stop: &CancellationToken) -> Option<Ended> {
        let ended = tokio::select! {
            () = stop.cancelled() => return None,
            ended = self.claiming.first() => ended,
            ended = self.working.first() => ended,
            ended = self.sweeping.first() => ended,
            ended = self.committing.first() => ended,
            ended = self.leaving.first() => ended,
        };
        tracing::error!(
            part = ended.part,
            why = ended.why,
            "a part of the engine ended"
        );
        Some(ended)
    }

    /// Takes all down.
    pub async fn shut_down(
        self,
        complete: CompleteLayer,
        parts: &Parts,
        force_stop: &CancellationToken,
    ) {
        let grace = parts.config.grace;
        self.stop.claiming.cancel();
        // Whatever still runs after its grace is interrupted, at no charge.
        let interrupt = async {
            bounded(std::future::pending(), grace, Duration::ZERO, force_stop).await;
            parts.attempts.cancel_all();
            std::future::pending::<()>().await;
        };
        let working = async {
            self.claiming.all_ended().await;
            complete.hand_back_unbegun().await;
            drop(complete);
            self.working.all_ended().await;
        };
        let drained = async {
            tokio::select! {
                () = working => {}
                () = interrupt => {}
            }
        };
        bounded(drained, grace + MORE, HASTE, force_stop).await;
        self.stop.sweeping.cancel();
        bounded(self.sweeping.all_ended(), MORE, HASTE, force_stop).await;
        bounded(self.committing.all_ended(), MORE, HASTE, force_stop).await;
        self.stop.give_up.cancel();
        self.stop.leaving.cancel();
        bounded(self.leaving.all_ended(), MORE, HASTE, force_stop).await;
    }
}

/// Waits, but not longer than `limit`, nor longer than `short` once `force_stop` has fired.
pub(crate) async fn bounded(
    waited_for: impl Future<Output = ()>,
    limit: Duration,
    short: Duration,
    force_stop: &CancellationToken,
) {
    let hastened = async {
        force_stop.cancelled().await;
        tokio::time::sleep(short).await;
    };
    tokio::select! {
        biased;
        () = waited_for => {}
        () = tokio::time::sleep(limit) => {}
        () = hastened => {}
    }
}
