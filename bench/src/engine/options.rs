//! The command line.

use std::fmt;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::roles::Role;

/// The durable engine beside its peers and the limit of the database.
#[derive(Parser)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub options: Options,
}

#[derive(Subcommand)]
pub enum Command {
    /// A worker process, started by this program itself.
    #[command(hide = true)]
    Worker { url: String, role: Role },
}

/// A group of measures that are taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// Steps per second beside the peers and the limit; commits and WAL per step.
    Steps,
    /// Runs of one step per second beside the jobs of queues.
    Jobs,
    /// Nodes per second with a fan-out and a join.
    Fanout,
    /// From commit to the entry of the step, on an idle worker; the commits of a lonely step.
    Pickup,
    /// A claim with much waiting beside one with little.
    Claim,
    /// From the kill of a worker to the entry of its step elsewhere.
    Rescue,
    /// From the stop of a busy worker, which keeps its connections, to the end of its last lease.
    Frozen,
    /// Statements of an idle worker.
    Idle,
    /// Steps per second while an old snapshot keeps dead rows from being removed.
    Pinned,
    /// Starts per second by many clients, with and without hints for workers.
    Starts,
    /// Steps that write to the same few rows, by two processes and by one.
    Shared,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |v| v.get_name()))
    }
}

#[derive(Args, Debug, Clone)]
pub struct Options {
    /// Only these, separated by commas.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Subject>,
    /// How often everything compared is run; medians are reported.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Runs of three steps waiting when the clock starts, for us.
    #[arg(long, default_value_t = 30_000)]
    pub runs: u64,
    /// The same for the limit.
    #[arg(long, default_value_t = 60_000)]
    pub raw_runs: u64,
    /// The same for apalis-workflow.
    #[arg(long, default_value_t = 2_000)]
    pub apalis_runs: u64,
    /// The same for underway.
    #[arg(long, default_value_t = 500)]
    pub underway_runs: u64,
    /// The same for DBOS.
    #[arg(long, default_value_t = 2_000)]
    pub dbos_runs: u64,
    /// The same for awa, as chains of jobs.
    #[arg(long, default_value_t = 1_500)]
    pub awa_runs: usize,
    /// Runs of one step waiting when the clock starts, for us.
    #[arg(long, default_value_t = 60_000)]
    pub jobs: u64,
    /// The same for awa: jobs.
    #[arg(long, default_value_t = 60_000)]
    pub awa_jobs: usize,
    /// The same for `graphile_worker`: jobs.
    #[arg(long, default_value_t = 60_000)]
    pub graphile_jobs: u64,
    /// Engines in this process.
    #[arg(long, default_value_t = 4)]
    pub engines: usize,
    /// Slots of each engine.
    #[arg(long, default_value_t = 1024)]
    pub slots: usize,
    /// Fairness keys that the runs are spread over.
    #[arg(long, default_value_t = 20)]
    pub keys: u64,
    /// Runs with a fan-out, for us.
    #[arg(long, default_value_t = 3_000)]
    pub fan_outs: u64,
    /// The same for apalis-workflow.
    #[arg(long, default_value_t = 300)]
    pub apalis_fan_outs: u64,
    /// Runs started one by one on an idle worker.
    #[arg(long, default_value_t = 300)]
    pub pickups: usize,
    /// Workers killed.
    #[arg(long, default_value_t = 20)]
    pub rescues: usize,
    /// Workers stopped in the middle of their work.
    #[arg(long, default_value_t = 10)]
    pub frozen: usize,
    /// Runs of three steps added for each of them.
    #[arg(long, default_value_t = 20_000)]
    pub frozen_runs: u64,
    /// How long an idle worker is watched.
    #[arg(long, default_value_t = 30)]
    pub idle_seconds: u64,
    /// How long the load lasts with the snapshot, and without.
    #[arg(long, default_value_t = 60)]
    pub pinned_seconds: u64,
    /// How long clients start runs, each way.
    #[arg(long, default_value_t = 5)]
    pub starts_seconds: u64,
    /// Runs of one step whose writes meet, waiting when the clock starts.
    #[arg(long, default_value_t = 30_000)]
    pub shared_runs: u64,
    /// How long they are worked on at most.
    #[arg(long, default_value_t = 10)]
    pub shared_seconds: u64,
}

impl Options {
    /// What to measure, in order.
    pub fn subjects(&self) -> Vec<Subject> {
        let all = Subject::value_variants().iter().copied();
        all.filter(|s| self.only.is_empty() || self.only.contains(s))
            .collect()
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        write!(
            f,
            "{cores} cores, {} rounds; {} engines of {} slots, {} runs in {} keys",
            self.rounds, self.engines, self.slots, self.runs, self.keys
        )
    }
}
