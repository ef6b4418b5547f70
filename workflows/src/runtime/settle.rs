//! The layer in which an attempt ends: whatever came out of the step, it is decided upon, handed
//! to the committer, and the slot is released only when the commit is acknowledged.

use std::{
    collections::HashMap,
    sync::Arc,
    task::{Context, Poll},
};

use apalis_core::{error::BoxDynError, task::Task};
use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tower::{Layer, Service};

use super::{
    attempts::{Attempts, Held, Interrupted},
    committer::Committer,
    registry::Registry,
};
use crate::{
    claim::Claim,
    plan::{self, Ended, Settlement, Verdict},
    step::StepError,
    workflow::Performed,
};

#[derive(Clone)]
pub(crate) struct SettleLayer {
    pub registry: Arc<Registry>,
    pub attempts: Arc<Attempts>,
    pub committer: Committer,
    /// The ways to the queues' workers, which are closed when a stop is asked for.
    pub desks: Arc<HashMap<String, mpsc::WeakUnboundedSender<Held>>>,
}

impl SettleLayer {
    /// Returns the claim on the next step when this worker is to go on with it.
    async fn settle(&self, claim: Arc<Claim>, ended: Ended) -> Option<Arc<Claim>> {
        let settlement = match self.registry.find(&claim) {
            Some((definition, step)) => {
                plan::settle(Arc::clone(&claim), definition, step, ended, rand::random())
            }
            None => unknown_step(Arc::clone(&claim), &ended),
        };
        let next = self.committer.commit(settlement).await;
        self.attempts.leave(&claim);
        next
    }

    /// Ends an attempt. Its slot is free afterwards, unless the run goes on in it.
    async fn end(self, held: Held, ended: Ended) {
        let Some(next) = self.settle(Arc::clone(&held.claim), ended).await else {
            return;
        };
        let cancelled = self.attempts.enter(&next);
        let desk = self.desks.get(next.lane.queue);
        if let Some(desk) = desk.and_then(mpsc::WeakUnboundedSender::upgrade) {
            let claim = next;
            // A worker that has ended meanwhile leaves it to `hand_back_unbegun`.
            let _ = desk.send(Held {
                claim,
                cancelled,
                ..held
            });
        } else if self.attempts.take(&next) {
            self.settle(next, Ended::Interrupted).await;
        }
    }

    /// Returns what was claimed and never begun.
    pub async fn hand_back_unbegun(&self) {
        let unbegun = self.attempts.take_unbegun().into_iter();
        let settling = unbegun.map(|claim| self.settle(claim, Ended::Interrupted));
        futures::future::join_all(settling).await;
    }
}

fn unknown_step(claim: Arc<Claim>, ended: &Ended) -> Settlement {
    let verdict = match ended {
        Ended::Failed(error) => Verdict::Bury {
            cause: plan::Cause::Failed,
            error: plan::describe(error),
        },
        Ended::Performed(_) | Ended::Interrupted => Verdict::HandBack,
    };
    Settlement {
        claim,
        verdict,
        writes: Vec::new(),
    }
}

impl<S> Layer<S> for SettleLayer {
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
    layer: SettleLayer,
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
            let ended = match attempt.await {
                Ok(performed) => Ended::Performed(performed),
                Err(error) => ended_by(error.into()),
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
