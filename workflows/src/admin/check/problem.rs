//! What can be wrong, in sentences.

use std::fmt;

use crate::define::ids::RunId;

/// A step of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// Durable name of the workflow.
    pub workflow: String,
    /// Version that its runs were started with.
    pub version: i32,
    /// Durable name of the step.
    pub step: String,
}

/// What is at a step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Work {
    /// Live tasks at the step.
    pub tasks: i64,
    /// Open dead letters.
    pub letters: i64,
    /// Fan-outs that will join there.
    pub joins: i64,
    /// Some of the runs.
    pub runs: Vec<RunId>,
}

/// What will become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Runs stay where they are, or die, until another build comes.
    Stuck,
    /// Somebody should know of it. Nothing is lost or stopped by it.
    Warning,
}

/// Something that a build could not go on with, or that needs somebody's attention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The build does not have the step at which there is work.
    UnknownStep {
        /// The step that it is about.
        spot: Spot,
        /// What is there.
        work: Work,
    },
    /// Inputs that were written for the step cannot be read by it.
    Undecodable {
        /// The step that it is about.
        spot: Spot,
        /// How many of those that were tried.
        refused: usize,
        /// How many were tried.
        tried: usize,
        /// Some of the runs.
        runs: Vec<RunId>,
        /// Why the first was refused.
        error: String,
    },
    /// No worker has slots for the queue in which the work waits.
    NobodyServes {
        /// The step that it is about.
        spot: Spot,
        /// The queue in which this build runs the step.
        queue: String,
        /// What is there.
        work: Work,
        /// It is known which queues the build's workers will serve, and this is none of them.
        certain: bool,
    },
    /// Another step follows than when the work was written.
    RouteChanged {
        /// The step that it is about.
        spot: Spot,
        /// The step that followed when the work was written.
        was: String,
        /// What follows now.
        is: String,
        /// What is there, or on its way from there to a join.
        work: Work,
        /// It cannot end as it was begun: children without their join, or a join that is handed
        /// something else than it reads.
        strands: bool,
    },
    /// The step reads other JSON than it did.
    InputChanged {
        /// The step that it is about.
        spot: Spot,
        /// The shape of what was written.
        was: String,
        /// The shape of what is read now.
        is: String,
        /// What is there.
        work: Work,
    },
    /// While builds of both sorts are at work, only workers of this one will take the step's tasks.
    UnknownToOthers {
        /// The step that it is about.
        spot: Spot,
        /// The builds that do not have it.
        builds: Vec<String>,
    },
}

impl Problem {
    /// How grave it is.
    pub fn severity(&self) -> Severity {
        match self {
            Self::UnknownStep { .. }
            | Self::Undecodable { .. }
            | Self::NobodyServes { certain: true, .. }
            | Self::RouteChanged { strands: true, .. } => Severity::Stuck,
            Self::NobodyServes { .. }
            | Self::RouteChanged { .. }
            | Self::InputChanged { .. }
            | Self::UnknownToOthers { .. } => Severity::Warning,
        }
    }

    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownStep { .. } => "unknown_step",
            Self::Undecodable { .. } => "undecodable",
            Self::NobodyServes { .. } => "nobody_serves",
            Self::RouteChanged { .. } => "route_changed",
            Self::InputChanged { .. } => "input_changed",
            Self::UnknownToOthers { .. } => "unknown_to_others",
        }
    }

    /// The step that it is about.
    pub fn spot(&self) -> &Spot {
        match self {
            Self::UnknownStep { spot, .. }
            | Self::Undecodable { spot, .. }
            | Self::NobodyServes { spot, .. }
            | Self::RouteChanged { spot, .. }
            | Self::InputChanged { spot, .. }
            | Self::UnknownToOthers { spot, .. } => spot,
        }
    }

    /// Some of the runs that are concerned.
    pub fn runs(&self) -> &[RunId] {
        match self {
            Self::UnknownStep { work, .. }
            | Self::NobodyServes { work, .. }
            | Self::RouteChanged { work, .. }
            | Self::InputChanged { work, .. } => &work.runs,
            Self::Undecodable { runs, .. } => runs,
            Self::UnknownToOthers { .. } => &[],
        }
    }
}

impl Work {
    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        (self.tasks, self.letters, self.joins) == (0, 0, 0)
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} v{}", self.step, self.workflow, self.version)
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = [
            (self.tasks, "task", "tasks"),
            (self.letters, "dead letter", "dead letters"),
            (self.joins, "open fan-out", "open fan-outs"),
        ];
        let counted = counted.iter().filter(|(count, ..)| *count > 0);
        let phrases = counted.map(|(count, one, many)| {
            let noun = if *count == 1 { one } else { many };
            format!("{count} {noun}")
        });
        let phrases: Vec<_> = phrases.collect();
        match phrases.as_slice() {
            [] => f.write_str("nothing"),
            [first @ .., last] if !first.is_empty() => write!(f, "{} and {last}", first.join(", ")),
            _ => f.write_str(&phrases.concat()),
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stuck => "stuck",
            Self::Warning => "warning",
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.spot())?;
        match self {
            Self::UnknownStep { work, .. } => {
                write!(
                    f,
                    "this build does not have the step; it would leave {work} alone"
                )
            }
            Self::Undecodable {
                refused,
                tried,
                error,
                ..
            } => write!(
                f,
                "this build cannot read {refused} of the {tried} inputs that were tried ({error})"
            ),
            Self::NobodyServes { queue, work, .. } => {
                write!(
                    f,
                    "no worker has slots for the queue {queue}, where {work} would wait"
                )
            }
            Self::RouteChanged {
                was,
                is,
                work,
                strands,
                ..
            } => {
                let end = if *strands {
                    format!("; {work} could not end as begun")
                } else {
                    String::new()
                };
                write!(f, "{is} follows, where it was {was}{end}")
            }
            Self::InputChanged { was, is, work, .. } => {
                write!(
                    f,
                    "its input has changed: it was {was}, it is {is}; {work} there"
                )
            }
            Self::UnknownToOthers { builds, .. } => write!(
                f,
                "the builds at work ({}) do not have the step and leave its tasks to this one",
                builds.join(", ")
            ),
        }
    }
}
