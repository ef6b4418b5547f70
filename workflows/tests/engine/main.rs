//! The engine against a real Postgres, a database per test.

mod fan_outs;
mod failures;
mod faults;
mod routes;
mod world;
