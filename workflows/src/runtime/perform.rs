//! The innermost service: runs the step of a claimed task.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use apalis_core::{error::BoxDynError, task::Task};
use futures::future::BoxFuture;
use tower::Service;
use tracing::Instrument;

use super::{
    attempts::{Held, Interrupted},
    registry::{Registry, step_of},
};
use crate::{
    step::{StepContext, StepError},
    workflow::Performed,
};

#[derive(Clone)]
pub(crate) struct Perform {
    pub registry: Arc<Registry>,
}

impl Service<Task<Held>> for Perform {
    type Response = Performed;
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<Performed, BoxDynError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, task: Task<Held>) -> Self::Future {
        let registry = Arc::clone(&self.registry);
        let held = task.args;
        let claim = &held.claim;
        let span = tracing::info_span!(
            "attempt",
            run.id = %claim.run_id,
            run.workflow = %claim.workflow,
            task.step = %claim.step,
            task.child = claim.child,
            attempt.number = claim.attempt(),
            attempt.token = claim.token,
        );
        Box::pin(perform(registry, held).instrument(span))
    }
}

async fn perform(registry: Arc<Registry>, held: Held) -> Result<Performed, BoxDynError> {
    let Held {
        claim, cancelled, ..
    } = &held;
    let step = registry
        .workflow(claim)
        .and_then(|definition| step_of(definition, claim))
        .ok_or_else(|| StepError::Fail {
            source: Box::new(UnknownStep(claim.step.clone())),
        })?;
    let context = StepContext {
        run_id: claim.run_id,
        subject: claim.subject,
        token: claim.token,
        attempt: claim.attempt(),
        cancelled: cancelled.clone(),
    };
    let work = step.handler.run(&context, claim.input.clone());
    let result = tokio::select! {
        biased;
        () = cancelled.cancelled() => {
            tracing::info!("attempt given back");
            return Err(Box::new(Interrupted));
        }
        result = tokio::time::timeout(step.settings.timeout, work) => result,
    };
    let result = result.unwrap_or_else(|_| {
        let source = Box::new(TimedOut(step.settings.timeout));
        Err(StepError::Retry {
            source,
            after: None,
        })
    });
    match &result {
        Ok(_) => tracing::debug!("step done"),
        Err(StepError::Reject(rejection)) => {
            tracing::info!(rejection.code = %rejection.code, "input rejected");
        }
        Err(error) => {
            tracing::warn!(error = error as &dyn std::error::Error, "attempt failed");
        }
    }
    Ok(result?)
}

#[derive(Debug, thiserror::Error)]
#[error("this build's route has no step `{0}`")]
struct UnknownStep(String);

#[derive(Debug, thiserror::Error)]
#[error("the attempt took longer than {0:?}")]
struct TimedOut(std::time::Duration);
