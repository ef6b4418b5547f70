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
mod breakers;
mod committer;
mod config;
mod demand;
mod dispatcher;
mod engine;
mod errands;
mod fronts;
mod health;
mod limited;
mod limits;
mod link;
mod listener;
mod memory;
mod meters;
mod parts;
mod perform;
mod presence;
mod registry;
mod rehearsal;
mod reporter;
mod settle;
mod shutdown;
mod slots;
mod supervisor;
mod sweeper;
mod upkeep;

pub use config::EngineConfig;
pub use engine::{Engine, EngineError};
pub use health::Health;
pub use rehearsal::Rehearsal;
pub(crate) use upkeep::NAME as UPKEEP;
