//! How much a workflow says of its runs.

/// How much is told of the runs of a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Detail {
    /// No event is written.
    #[default]
    None,
    /// Their starts, their ends, and what operators do to them.
    Runs,
    /// And every step that is done. Costs a row for each.
    Steps,
}

impl Detail {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Runs => "runs",
            Self::Steps => "steps",
        }
    }
}
