//! What a worker process runs: apalis workers, one per queue, over a backend of our own.
//!
//! ```text
//! listener ─┐ news (slots)                 ┌► presence: heartbeat, leases, presence lock
//! sweeper ──┤                              │
//!           ▼                              │ attempts in hand
//!       dispatcher ─claims─► QueueBackend ─┴► Perform ─► Settle ─► committer ─one commit─► Postgres
//!           ▲                 ▲ └────── apalis Worker ───────┘     │    └─► announcer ─NOTIFY─► others
//!           │                 └───── next step, same slot ◄────────┤
//!           └───────────────────── slots freed, more work ready ◄──┘
//! ```

mod announcer;
mod attempts;
mod backend;
mod committer;
mod dispatcher;
mod engine;
mod fronts;
mod link;
mod listener;
mod meters;
mod parts;
mod perform;
mod presence;
mod registry;
mod rehearsal;
mod settle;
mod slots;
mod sweeper;
mod upkeep;

pub use engine::{Engine, EngineConfig, EngineError};
pub use rehearsal::Rehearsal;
pub(crate) use upkeep::NAME as UPKEEP;
