//! The engine's metrics, by the names under which a recorder of the `metrics` crate gets them. What
//! is in the tables is counted by [`crate::depths`] instead, when somebody asks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::define::ids::LaneId;
use crate::{
    protocol::{
        completion::{Completion, Decision, Next},
        task::Claim,
    },
    store::lanes::Lanes,
};

/// One claim statement.
pub(crate) fn claimed(tasks: usize, took: Duration) {
    metrics::histogram!("workflows_claim_seconds").record(took);
    metrics::counter!("workflows_claimed_total").increment(tasks as u64);
}

/// The step of a claimed task is entered.
pub(crate) fn picked_up(claim: &Claim) {
    metrics::histogram!("workflows_pickup_seconds", "queue" => claim.lane.queue)
        .record(claim.waited);
}

/// A step returned.
pub(crate) fn stepped(claim: &Claim, took: Duration) {
    let labels = [("queue", claim.lane.queue), ("step", claim.lane.step)];
    metrics::histogram!("workflows_step_seconds", &labels).record(took);
}

/// An attempt ended and its end is in the database.
pub(crate) fn completed(completion: &Completion) {
    let claim = &completion.claim;
    metrics::counter!(
        "workflows_attempts_total",
        "queue" => claim.lane.queue, "step" => claim.lane.step, "outcome" => completion.decision.outcome().as_str(),
    )
    .increment(1);
    let workflow = claim.lane.workflow;
    match &completion.decision {
        Decision::DeadLetter { cause, .. } => metrics::counter!(
            "workflows_dead_letters_total",
            "workflow" => workflow, "step" => claim.lane.step, "cause" => cause.as_str(),
        )
        .increment(1),
        Decision::Reject { rejection, .. } => {
            let code = rejection.code.to_string();
            metrics::counter!("workflows_rejections_total", "workflow" => workflow, "code" => code)
                .increment(1);
            ended(claim, "rejected");
        }
        Decision::Advance {
            next: Next::End { .. },
        } => ended(claim, "succeeded"),
        _ => {}
    }
}

/// A run came to its end, in the words of its state.
fn ended(claim: &Claim, state: &'static str) {
    // Ids of runs are made when they are started, and hold the time (RFC 9562, version 7).
    let Some(started) = claim.run_id.0.get_timestamp() else {
        return;
    };
    let (seconds, nanos) = started.to_unix();
    let started = UNIX_EPOCH + Duration::new(seconds, nanos);
    let took = SystemTime::now()
        .duration_since(started)
        .unwrap_or_default();
    let labels = [("workflow", claim.lane.workflow), ("state", state)];
    metrics::histogram!("workflows_run_seconds", &labels).record(took);
}

/// Tasks in these lanes were taken from lost workers. Of lanes that only other builds know, the step is not known.
pub(crate) fn lost(lanes: &Lanes, numbers: &[LaneId], outcome: &'static str) {
    for number in numbers {
        let (queue, step) = lanes
            .get(*number)
            .map_or(("", ""), |lane| (lane.queue, lane.step));
        metrics::counter!(
            "workflows_attempts_total", "queue" => queue, "step" => step, "outcome" => outcome,
        )
        .increment(1);
    }
}

/// One transaction of completions.
pub(crate) fn committed(completions: usize, took: Duration) {
    metrics::histogram!("workflows_commit_seconds").record(took);
    metrics::counter!("workflows_commits_total").increment(1);
    metrics::counter!("workflows_completed_total").increment(completions as u64);
}

/// An attempt of this process has lost its lease.
pub(crate) fn lease_lost() {
    metrics::counter!("workflows_leases_lost_total").increment(1);
}

/// Tasks of lost workers were taken, so long after the first sign of the loss.
pub(crate) fn rescued(tasks: usize, after: Duration) {
    metrics::counter!("workflows_rescued_total").increment(tasks as u64);
    metrics::histogram!("workflows_rescue_seconds").record(after);
}

/// Whether others see this process, by the server's word.
pub(crate) fn present(present: bool) {
    metrics::gauge!("workflows_present").set(if present { 1.0 } else { 0.0 });
}

/// Runs that a rescue passed over because somebody holds them.
pub(crate) fn busy(runs: usize) {
    metrics::counter!("workflows_rescue_busy_total").increment(runs as u64);
}

/// Whether a dependency is down.
pub(crate) fn breaker(dependency: &str, down: bool) {
    metrics::gauge!("workflows_dependency_down", "dependency" => dependency.to_owned())
        .set(if down { 1.0 } else { 0.0 });
}

/// Whether notifications come through.
pub(crate) fn listening(healthy: bool) {
    metrics::gauge!("workflows_listener_healthy").set(if healthy { 1.0 } else { 0.0 });
}
