//! SIGINT and SIGTERM: the first asks for a clean stop, the second hastens it.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What the process was asked for.
#[derive(Clone, Default)]
pub struct Stop {
    /// Take on nothing new, finish, end.
    pub stop: CancellationToken,
    /// Do not wait for what is still running.
    pub hasten: CancellationToken,
}

impl Stop {
    /// Watches the signals from now on.
    pub fn on_signals() -> std::io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let asked = Self::default();
        let Self { stop, hasten } = asked.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if stop.is_cancelled() {
                    hasten.cancel();
                }
                stop.cancel();
            }
        });
        Ok(asked)
    }
}
