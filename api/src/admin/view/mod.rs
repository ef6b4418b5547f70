//! How runs, dead letters and the rest look to operators. The command line prints the same.

mod answer;
mod letters;
mod others;
mod pages;
mod runs;

pub use self::answer::Answer;
pub use self::letters::{
    DeadLetterDetail, DeadLetterView, LetterFilterView, RedriveCount, RedriveView,
};
pub use self::others::{AuditEntryView, QueueView};
pub use self::pages::{AuditPage, DeadLetterPage, QueueList, RunPage};
pub use self::runs::{AttemptView, ExplanationView, PauseView, RunEntryView, TaskView};
