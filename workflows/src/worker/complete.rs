//! The layer in which an attempt ends: whatever came out of the step, it is decided upon, handed
//! to the completer, and the slot is released only when the commit is acknowledged.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use apalis_core::{error::BoxDynError, task::Task};
use futures::{FutureExt, future::BoxFuture};
use tokio::sync::mpsc;
use tower::{Layer, Service};

use crate::{
    define::{
        panics::{Panicked, caught, message},
        step::StepError,
        workflow::Performed,
    },
    protocol::{
        completion::{Completion, Decision},
        decide::{self, Ended},
        failure::describe,
        state::Cause,
        task::Claim,
    },
    store::complete::Ending,
    worker::{
        completer::{Completer, mourned},
        in_flight::{Held, InFlight, Interrupted},
        limits::Limits,
        registry::Registry,
        slots::Slots,
    },
};

#[derive(Clone)]
pub(crate) struct CompleteLayer {
    pub registry: Arc<Registry>,
    pub attempts: Arc<InFlight>,
    pub completer: Completer,
    pub slots: Slots,
    pub limits: Limits,
    /// The answer of a commit may have been lost.
    pub astray: Arc<AtomicBool>,
    /// The ways to the queues' workers, which are closed when a stop is asked for.
    pub channels: Arc<HashMap<String, mpsc::WeakUnboundedSender<Held>>>,
}

impl CompleteLayer {
    /// Returns the claim on the next step when this worker is to go on with it.
    async fn complete(&self, claim: Arc<Claim>, ended: Ended) -> Option<Arc<Claim>> {
        // What is decided here reads the caller's errors, and they may panic.
        let deciding = caught(|| match self.registry.find(&claim) {
            Some((definition, step)) => {
                decide::decide(Arc::clone(&claim), definition, step, ended, rand::random())
            }
            None => unknown_step(Arc::clone(&claim), &ended),
        });
        let completion = deciding.unwrap_or_else(|panic| mourned(&self.registry, &claim, &panic));
        let ending = self.completer.commit(completion).await;
        if !matches!(ending, Some(Ending::GoesOn(_))) {
            // Otherwise it stays in hand, so that nobody takes it for one of which the answer was lost.
            self.attempts.remove(&claim);
        }
        self.limits.ended(&claim);
        if claim.suspicion > 0 {
            // The next suspect may be tried.
            self.slots.wake();
        }
        match ending {
            Some(Ending::GoesOn(next)) => Some(next),
            Some(Ending::Stale) => {
                self.astray.store(true, Ordering::Release);
                self.slots.wake();
                None
            }
            Some(Ending::Over) | None => None,
        }
    }

    /// Ends an attempt. Its slot is free afterwards, unless the run goes on in it.
    async fn end(self, held: Held, ended: Ended) {
        let Some(next) = self.complete(Arc::clone(&held.claim), ended).await else {
            return;
        };
        let cancelled = self.attempts.insert(&next);
        let channel = self.channels.get(next.lane.queue);
        if let Some(channel) = channel.and_then(mpsc::WeakUnboundedSender::upgrade) {
            let claim = next;
            // A worker that has ended meanwhile leaves it to `hand_back_unbegun`.
            let _ = channel.send(Held {
                claim,
                cancelled,
                ..held
            });
        } else if self.attempts.take(&next) {
            self.complete(next, Ended::Interrupted).await;
        }
    }

    /// Returns what was claimed and never begun.
    pub async fn hand_back_unbegun(&self) {
        let unbegun = self.attempts.drain_unstarted().into_iter();
        let completing = unbegun.map(|claim| self.complete(claim, Ended::Interrupted));
        futures::future::join_all(completing).await;
    }
}

fn unknown_step(claim: Arc<Claim>, ended: &Ended) -> Completion {
    let decision = match ended {
        Ended::Failed(error) => Decision::DeadLetter {
            cause: Cause::Failed,
            error: describe(error),
        },
        Ended::Performed(_) | Ended::Interrupted | Ended::Crashed => Decision::Release,
    };
    Completion {
        claim,
        decision,
        writes: Vec::new(),
        alone: false,
        definition: None,
    }
}

impl<S> Layer<S> for CompleteLayer {
    type Service = Settle<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Settle {
            inner,
            layer: self.clone(),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Settle<S> {
    inner: S,
    layer: CompleteLayer,
}

impl<S> Service<Task<Held>> for Settle<S>
where
    S: Service<Task<Held>, Response = Performed>,
    S::Error: Into<BoxDynError>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<Held>) -> Self::Future {
        let held = task.args.clone();
        let layer = self.layer.clone();
        let attempt = self.inner.call(task);
        Box::pin(async move {
            // The layers below catch panics of the step; this one is for whatever they do not.
            let ended = match AssertUnwindSafe(attempt).catch_unwind().await {
                Ok(Ok(performed)) => Ended::Performed(performed),
                Ok(Err(error)) => ended_by(error.into()),
                Err(panic) => ended_by(Box::new(Panicked(message(&*panic)))),
            };
            layer.end(held, ended).await;
            Ok(())
        })
    }
}

/// Errors come through apalis's layers boxed. What is not ours (a panic that the layer below
/// caught) counts as an error of this attempt.
fn ended_by(error: BoxDynError) -> Ended {
    match error.downcast::<StepError>() {
        Ok(error) => Ended::Failed(*error),
        Err(other) if other.is::<Interrupted>() => Ended::Interrupted,
        Err(other) => Ended::Failed(StepError::Retry {
            source: other,
            after: None,
        }),
    }
}
