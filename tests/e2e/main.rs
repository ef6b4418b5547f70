//! End to end: the real binary's processes over a real Postgres, S3 server and clamd, started by
//! the same code as in `mediamill dev`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
#![expect(
    clippy::disallowed_methods,
    reason = "starts the binary, and is its own clock"
)]

mod admin;
mod browser;
mod crowds;
mod dev;
mod documents;
mod ends;
mod faults;
mod faulty_network;
mod film_chaos;
mod films;
mod fixtures;
mod folders;
mod metadata;
mod monitoring;
mod office;
mod outages;
mod output;
mod page;
mod pictures;
mod process;
mod proofs;
mod quotas;
mod refusals;
mod rehearsal;
mod resumable;
mod resuming;
mod scanner;
mod settings;
mod silence;
mod sounds;
mod stack;
mod storage;
mod swapped;
mod unmigrated;
mod upkeep;
mod uploads;
mod uppy;
