//! How a run stands, for customers and operators alike.

use poem_openapi::Enum;

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub enum RunState {
    /// It goes on, or waits for its turn.
    Running,
    /// It came to its end.
    Succeeded,
    /// What it was about was refused.
    Rejected,
    /// It waits for somebody to decide about a dead letter.
    Dead,
    /// Somebody ended it.
    Cancelled,
}

impl RunState {
    const ALL: [Self; 5] = [
        Self::Running,
        Self::Succeeded,
        Self::Rejected,
        Self::Dead,
        Self::Cancelled,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Rejected => "rejected",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// As the engine writes it. It has no other.
    pub fn of(state: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|known| known.as_str() == state)
            .unwrap_or(Self::Running)
    }
}
