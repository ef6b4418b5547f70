//! What a worker process runs: apalis workers, one per queue, over a backend of our own.
//!
//! ```text
//! listener ─┐ news (slots)                 ┌► presence: heartbeat, leases, presence lock
//! sweeper ──┤                              │
//!           ▼                              │ attempts in hand
//!       dispatcher ─claims─► QueueBackend ─┴► Perform ─► Settle ─► completer ─one commit─► Postgres
//!           ▲                 ▲ └────── apalis Worker ───────┘     │    └─► notifier ─NOTIFY─► others
//!           │                 └───── next step, same slot ◄────────┤
//!           └───────────────────── slots freed, more work ready ◄──┘
//! ```

pub(crate) mod backend;
pub(crate) mod breakers;
pub(crate) mod channels;
pub(crate) mod claim_cursor;
pub(crate) mod complete;
pub(crate) mod completer;
pub(crate) mod demand;
pub(crate) mod dispatcher;
pub(crate) mod fault_injection;
pub(crate) mod heartbeat;
pub(crate) mod in_flight;
pub(crate) mod limited;
pub(crate) mod limits;
pub(crate) mod listener;
pub(crate) mod metrics;
pub(crate) mod notifier;
pub(crate) mod perform;
pub(crate) mod registry;
pub(crate) mod reporter;
pub(crate) mod slots;
