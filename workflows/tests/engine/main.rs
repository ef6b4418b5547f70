//! The engine against a real Postgres, a database per test.

mod failures;
mod fan_outs;
mod faults;
mod routes;
mod world;
