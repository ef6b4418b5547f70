//! How a worker process behaves.

use std::time::Duration;

use crate::{client::events, worker::fault_injection::Rehearsal};

/// How a worker process behaves.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Name of this process, for people (host and process id, say).
    pub name: String,
    /// Version of the program, for people.
    pub build: String,
    /// Slots of each queue: how many of its tasks run here at once. A queue that a step uses and
    /// that is not named here gets one slot; with no slot its tasks are left to other processes.
    pub queues: Vec<(String, usize)>,
    /// How long a claim holds without a heartbeat. At least half a second.
    pub lease: Duration,
    /// Upper bound of the time between two claims while nothing hints at work. (A sweep that sees
    /// work is a hint.)
    pub poll: Duration,
    /// Time between two sweeps for due tasks, lost workers and work whose notification was lost, on
    /// average.
    pub sweep: Duration,
    /// What running steps get to finish after a stop was asked for.
    pub grace: Duration,
    /// How long runs that ended are kept, with their history. `None`: for ever. Runs with an open
    /// dead letter are never removed.
    pub retention: Option<Duration>,
    /// How long [events](crate::client::events) are kept. `None`: for ever.
    pub keep_events: Option<Duration>,
    /// For tests of workflows.
    pub rehearsal: Rehearsal,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            name: format!("pid {}", std::process::id()),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            queues: Vec::new(),
            lease: Duration::from_secs(30),
            poll: Duration::from_mins(1),
            sweep: Duration::from_secs(1),
            grace: Duration::from_secs(20),
            retention: Some(Duration::from_hours(30 * 24)),
            keep_events: Some(events::KEPT),
            rehearsal: Rehearsal::None,
        }
    }
}

impl EngineConfig {
    /// What is wrong with it, in sentences.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let mut between = |name: &str, value: Duration, least: Duration, most: Duration| {
            if value < least || value > most {
                mistakes.push(format!(
                    "{name} is {value:?}, and must be between {least:?} and {most:?}"
                ));
            }
        };
        let (least, hour) = (Duration::from_millis(20), Duration::from_hours(1));
        between(
            "the lease",
            self.lease,
            Duration::from_millis(500),
            hour * 24,
        );
        between("the time between two polls", self.poll, least, hour);
        between("the time between two sweeps", self.sweep, least, hour);
        between("the grace", self.grace, Duration::ZERO, hour * 24);
        let mut names: Vec<_> = self.queues.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        for twice in names.windows(2).filter(|w| w[0] == w[1]) {
            mistakes.push(format!("the queue {} is named twice", twice[0]));
        }
        for (name, slots) in &self.queues {
            if *slots > tokio::sync::Semaphore::MAX_PERMITS.min(1 << 20) {
                mistakes.push(format!("the queue {name} has {slots} slots, too many"));
            }
        }
        mistakes
    }
}
