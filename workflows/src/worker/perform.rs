//! The innermost service: runs the step of a claimed task.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use apalis_core::{error::BoxDynError, task::Task};
use futures::future::BoxFuture;
use tokio::time::Instant;
use tower::Service;
use tracing::Instrument;

use crate::{
    define::{
        reports::Reports,
        step::{Attempt, StepError},
        workflow::Performed,
    },
    protocol::{
        failure::{describe, whole},
        task::Claim,
    },
    store::lanes::Lanes,
    worker::{
        fault_injection::Rehearsal,
        in_flight::{Held, InFlight, Interrupted},
        metrics,
        registry::Registry,
    },
};

#[derive(Clone)]
pub(crate) struct Perform {
    pub registry: Arc<Registry>,
    pub attempts: Arc<InFlight>,
    pub rehearsal: Rehearsal,
    pub lanes: Arc<Lanes>,
    pub reports: Reports,
}

impl Service<Task<Held>> for Perform {
    type Response = Performed;
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<Performed, BoxDynError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, task: Task<Held>) -> Self::Future {
        let held = task.args;
        let span = span(&held.claim);
        Box::pin(self.clone().perform(held).instrument(span))
    }
}

/// The span of an attempt. It carries the trace of whatever started the run.
fn span(claim: &Claim) -> tracing::Span {
    // W3C Trace Context, level 1: version "-" trace id "-" parent id "-" flags.
    let mut trace = claim
        .trace_parent
        .as_deref()
        .unwrap_or("")
        .split('-')
        .skip(1);
    // At ERROR: whatever is logged within it, however little that is, says of what it is.
    tracing::error_span!(
        "attempt",
        trace.id = trace.next(),
        trace.parent_id = trace.next(),
        run.id = %claim.run_id,
        run.subject = %claim.subject,
        run.workflow = claim.lane.workflow,
        run.version = claim.lane.version,
        task.queue = claim.lane.queue,
        task.step = claim.lane.step,
        task.child = claim.child,
        attempt.number = claim.attempt(),
        attempt.token = claim.token.0,
    )
}

impl Perform {
    async fn perform(self, held: Held) -> Result<Performed, BoxDynError> {
        let Held {
            claim, cancelled, ..
        } = &held;
        if !self.attempts.start(claim) {
            return Err(Box::new(Interrupted));
        }
        metrics::picked_up(claim);
        let unknown = || StepError::Fail {
            source: Box::new(UnknownStep(claim.lane.step)),
        };
        let (_, step) = self.registry.find(claim).ok_or_else(unknown)?;
        let handler = self.registry.handler(claim).ok_or_else(unknown)?;
        let lane = self.lanes.number_of(&claim.lane).unwrap_or_default();
        let attempt = Attempt {
            context: Arc::new(()),
            run_id: claim.run_id,
            subject: claim.subject,
            token: claim.token,
            attempt: claim.attempt(),
            cancelled: cancelled.clone(),
            trace_parent: claim.trace_parent.clone(),
            reporting: self.reports.of(claim.task_id, lane, claim.token),
        };
        let began = Instant::now();
        let work = handler.run(step.name, attempt, &claim.input);
        let work = self
            .rehearsal
            .around(claim.attempt(), work.ok_or_else(unknown)?);
        let result = tokio::select! {
            biased;
            () = cancelled.cancelled() => {
                tracing::info!("attempt given back");
                return Err(Box::new(Interrupted));
            }
            result = tokio::time::timeout(step.settings.timeout, work) => result,
        };
        metrics::stepped(claim, began.elapsed());
        let result = result.unwrap_or_else(|_| {
            let source = Box::new(TimedOut(step.settings.timeout));
            Err(StepError::Retry {
                source,
                after: None,
            })
        });
        report(&result);
        Ok(result?)
    }
}

fn report(result: &Result<Performed, StepError>) {
    match result {
        Ok(_) => tracing::debug!("step done"),
        Err(StepError::Reject(rejection)) => {
            tracing::info!(rejection.code = %rejection.code, "input rejected");
        }
        Err(error) => {
            // In one text: formats for machines leave out what is below an error.
            tracing::warn!(error = whole(&describe(error)), "attempt failed");
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("this build's route has no step `{0}`")]
struct UnknownStep(&'static str);

#[derive(Debug, thiserror::Error)]
#[error("the attempt took longer than {0:?}")]
struct TimedOut(std::time::Duration);
