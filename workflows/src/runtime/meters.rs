//! The engine's metrics, by the names under which a recorder of the `metrics` crate gets them. What
//! is in the tables is counted by [`crate::depths`] instead, when somebody asks.

use std::time::Duration;

use crate::{
    claim::Claim,
    plan::{Settlement, Verdict},
};

/// One claim statement.
pub(super) fn claimed(tasks: usize, took: Duration) {
    metrics::histogram!("workflows_claim_seconds").record(took);
    metrics::counter!("workflows_claimed_total").increment(tasks as u64);
}

/// The step of a claimed task is entered.
pub(super) fn picked_up(claim: &Claim) {
    metrics::histogram!("workflows_pickup_seconds", "queue" => claim.lane.queue)
        .record(claim.waited);
}

/// A step returned.
pub(super) fn stepped(claim: &Claim, took: Duration) {
    let labels = [("queue", claim.lane.queue), ("step", claim.lane.step)];
    metrics::histogram!("workflows_step_seconds", &labels).record(took);
}

/// An attempt ended and its end is in the database.
pub(super) fn settled(settlement: &Settlement) {
    let outcome = match settlement.verdict {
        Verdict::Advance { .. } | Verdict::Joined { .. } => "done",
        Verdict::Defer { .. } => "retry",
        Verdict::Wait { .. } => "unavailable",
        Verdict::Bury { .. } => "dead",
        Verdict::Reject { .. } => "rejected",
        Verdict::HandBack => "interrupted",
    };
    let claim = &settlement.claim;
    metrics::counter!(
        "workflows_attempts_total",
        "queue" => claim.lane.queue, "step" => claim.lane.step, "outcome" => outcome,
    )
    .increment(1);
}

/// One transaction of settlements.
pub(super) fn committed(settlements: usize, took: Duration) {
    metrics::histogram!("workflows_commit_seconds").record(took);
    metrics::counter!("workflows_commits_total").increment(1);
    metrics::counter!("workflows_settled_total").increment(settlements as u64);
}

/// An attempt of this process has lost its lease.
pub(super) fn lease_lost() {
    metrics::counter!("workflows_leases_lost_total").increment(1);
}

/// Tasks of lost workers were taken, so long after the first sign of the loss.
pub(super) fn rescued(tasks: usize, after: Duration) {
    metrics::counter!("workflows_rescued_total").increment(tasks as u64);
    metrics::histogram!("workflows_rescue_seconds").record(after);
}

/// Whether others see this process, by the server's word.
pub(super) fn present(present: bool) {
    metrics::gauge!("workflows_present").set(if present { 1.0 } else { 0.0 });
}

/// Runs that a rescue passed over because somebody holds them.
pub(super) fn busy(runs: usize) {
    metrics::counter!("workflows_rescue_busy_total").increment(runs as u64);
}

/// Whether a dependency is down.
pub(super) fn breaker(dependency: &str, down: bool) {
    metrics::gauge!("workflows_dependency_down", "dependency" => dependency.to_owned())
        .set(if down { 1.0 } else { 0.0 });
}

/// Whether notifications come through.
pub(super) fn listening(healthy: bool) {
    metrics::gauge!("workflows_listener_healthy").set(if healthy { 1.0 } else { 0.0 });
}
