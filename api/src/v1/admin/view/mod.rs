//! How runs, dead letters and the rest look to operators. The command line prints the same.

mod answer;
mod bulk;
mod keys;
mod letters;
mod limits;
mod others;
mod owners;
mod pages;
mod runs;
mod tried;
mod workers;

pub use self::answer::Answer;
pub use self::bulk::{DiscardedView, RedriveCount, RedriveView};
pub use self::keys::{KeyPage, KeyView, NewKeyView};
pub use self::letters::{DeadLetterDetail, DeadLetterView, KindView, LetterFilterView};
pub use self::limits::{LimitView, QueueLimitList};
pub use self::others::{AuditEntryView, QueueView};
pub use self::owners::{OwnerPage, OwnerView, QuotaView};
pub use self::pages::{
    AuditPage, DeadLetterPage, KindList, QueueList, RedriveList, RunPage, WorkerList,
};
pub use self::runs::{AttemptView, ExplanationView, PauseView, RunEntryView, TaskView};
pub use self::workers::WorkerView;
