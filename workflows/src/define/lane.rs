//! Where tasks of a step wait.

/// The durable identity of a step, and the queue in which this build runs it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lane {
    pub queue: &'static str,
    pub workflow: &'static str,
    pub version: i32,
    pub step: &'static str,
}
