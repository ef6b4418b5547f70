//! The engine against a real Postgres, a database per test.
#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot do without has to be there"
)]
#![expect(clippy::similar_names, reason = "a start and what was started")]

mod blame;
mod breakers;
mod checkpoints;
mod crash_points;
mod dead_letters;
mod declared;
mod depths;
mod events;
mod evidence;
mod explanations;
mod failover;
mod failures;
mod fairness;
mod fan_outs;
mod faults;
mod fleet;
mod following;
mod freeze_points;
mod harness;
mod hooks;
mod identity;
mod isolation;
mod letters;
mod limit_changes;
mod limits;
mod operations;
mod peers;
mod planted;
mod poolers;
mod process;
mod redrives;
mod rehearsals;
mod restarts;
mod results;
mod routes;
mod scenario;
mod schedules;
mod schema;
mod schema_page;
mod silence;
mod slow;
mod supervision;
mod versions;
mod world;
