//! End to end: the real binary's processes over a real Postgres, S3 server and clamd, started by
//! the same code as in `mediamill dev`.

mod dev;
mod faults;
mod fixtures;
mod page;
mod process;
mod refusals;
mod stack;
mod uploads;
