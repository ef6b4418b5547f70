//! What the log says of completions that are committed.

use crate::protocol::{
    completion::{Completion, Decision, Next},
    failure::whole,
};

/// What operators look for in a log: that something died, in one line at ERROR, or that a run came to its end. All else
/// is for debugging.
pub(crate) fn told(completion: &Completion) {
    let claim = &completion.claim;
    let trace = claim.trace_parent.as_deref().unwrap_or_default();
    let trace = trace.split('-').nth(1);
    if let Decision::DeadLetter { cause, error } = &completion.decision {
        tracing::error!(
            run.id = %claim.run_id,
            run.subject = %claim.subject,
            trace.id = trace,
            task.id = %claim.task_id,
            task.step = claim.lane.step,
            attempt.number = claim.attempt(),
            cause = cause.as_str(),
            error = whole(error),
            "a task died; it waits as a dead letter for somebody to decide"
        );
    } else if let Decision::Advance {
        next: Next::End { .. },
    } = &completion.decision
    {
        tracing::info!(
            run.id = %claim.run_id,
            run.subject = %claim.subject,
            run.workflow = claim.lane.workflow,
            trace.id = trace,
            "run succeeded"
        );
    } else {
        tracing::debug!(
            run.id = %claim.run_id,
            task.step = claim.lane.step,
            attempt.token = claim.token.0,
            "attempt completed"
        );
    }
}
