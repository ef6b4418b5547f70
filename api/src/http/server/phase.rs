//! What a connection is at, and for how long it may be.

use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::head::Input;
use super::places::Places;

/// Without a byte of a request. More than the minute for which proxies keep idle connections, so that it
/// is they who close: a request sent into a connection that we close at that moment is lost.
const IDLE: Duration = Duration::from_secs(75);
/// From the first byte of a request's head to the last.
const HEAD: Duration = Duration::from_secs(15);
/// Without a byte of an answer being taken.
const STALL: Duration = Duration::from_mins(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Head,
    /// The request's own deadline bounds it.
    Request,
    Answer,
}

/// What one connection is at. Clones are the same.
#[derive(Debug, Clone)]
pub struct Phases {
    phase: Arc<watch::Sender<Phase>>,
    input: Arc<Mutex<Input>>,
    sent: Arc<AtomicU64>,
}

/// A request, until its answer has been handed over whole.
#[derive(Debug)]
pub struct Turn(Phases);

impl Phases {
    pub fn new() -> Self {
        Self {
            phase: Arc::new(watch::Sender::new(Phase::Idle)),
            input: Arc::default(),
            sent: Arc::default(),
        }
    }

    /// Bytes came in.
    pub fn received(&self, bytes: &[u8]) {
        self.input(|input| input.received(bytes));
        self.phase.send_if_modified(|phase| {
            let begins = *phase == Phase::Idle;
            if begins {
                *phase = Phase::Head;
            }
            begins
        });
    }

    /// Whether there is no request that an answer could belong to.
    pub fn is_waiting(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Idle | Phase::Head)
    }

    /// Bytes went out.
    pub fn sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// A request's head is there, and says that a body of so many bytes follows.
    pub fn begin(&self, body: Option<u64>) -> Turn {
        self.input(|input| input.head(body));
        self.phase.send_replace(Phase::Request);
        Turn(self.clone())
    }

    fn input<T>(&self, look: impl FnOnce(&mut Input) -> T) -> T {
        look(&mut self.input.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends when the connection has held its place for too long, and says at what.
    pub async fn overdue(&self, places: &Places) -> &'static str {
        let mut phase = self.phase.subscribe();
        loop {
            let now = *phase.borrow_and_update();
            tokio::select! {
                _ = phase.changed() => {}
                reason = self.too_long(now, places) => return reason,
            }
        }
    }

    async fn too_long(&self, phase: Phase, places: &Places) -> &'static str {
        let limit = match phase {
            Phase::Request => return pending().await,
            Phase::Answer => return self.stalled().await,
            Phase::Idle => IDLE,
            Phase::Head => HEAD,
        };
        tokio::select! {
            () = sleep(limit) => "no request in time",
            () = places.wanted() => "making way for another",
        }
    }

    async fn stalled(&self) -> &'static str {
        loop {
            let before = self.sent.load(Ordering::Relaxed);
            sleep(STALL).await;
            if self.sent.load(Ordering::Relaxed) == before {
                return "the answer is not taken";
            }
        }
    }
}

impl Turn {
    /// The answer is made, and on its way.
    pub fn answered(&self) {
        self.0.phase.send_replace(Phase::Answer);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = if self.0.input(Input::answered) {
            Phase::Head
        } else {
            Phase::Idle
        };
        self.0.phase.send_replace(next);
    }
}
