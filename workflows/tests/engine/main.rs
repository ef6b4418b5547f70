//! The engine against a real Postgres, a database per test.
#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot do without has to be there"
)]
#![expect(clippy::similar_names, reason = "a start and what was started")]

mod crash_points;
mod dead_letters;
mod explanations;
mod failures;
mod fairness;
mod fan_outs;
mod faults;
mod operations;
mod peers;
mod process;
mod rehearsals;
mod routes;
mod schedules;
mod versions;
mod world;
