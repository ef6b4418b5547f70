//! What the child processes of this program work on, and with which settings. Each says once that
//! it has begun.

use std::{sync::Once, time::Duration};

use clap::ValueEnum;
use sqlx::PgConnection;
use workflows::{
    Attempt, BoxError, Done, EngineConfig, NextOnError, Record, Step, StepError, Workflow,
};

/// Rows that all steps of [`Role::Sharing`] write to.
pub const SHARED_ROWS: u64 = 8;
/// How long a claim of [`Role::Trivial`] holds.
pub const LEASE: Duration = Duration::from_secs(5);
/// Slots of the busy roles.
const SLOTS: usize = 64;

/// A kind of child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// One step that hangs, with the settings as they come.
    Hanging,
    /// Three steps that do nothing, with a short lease.
    Trivial,
    /// One step that writes to one of a few rows.
    Sharing,
}

impl Role {
    /// The name on the command line.
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The workflow that these workers know. Its runs' inputs are numbers.
    pub fn workflow(self) -> Workflow<u64> {
        match self {
            Self::Hanging => Workflow::named("hanging", 1).step::<Hang>().build(),
            Self::Trivial => Workflow::named("trivial", 1)
                .step::<Trivial<0>>()
                .step::<Trivial<1>>()
                .step::<Trivial<2>>()
                .build(),
            Self::Sharing => Workflow::named("sharing", 1).step::<Share>().build(),
        }
    }

    pub fn config(self) -> EngineConfig {
        let default = EngineConfig::default();
        let queues = vec![("default".to_owned(), SLOTS)];
        match self {
            Self::Hanging => default,
            Self::Trivial => EngineConfig {
                queues,
                lease: LEASE,
                ..default
            },
            Self::Sharing => EngineConfig { queues, ..default },
        }
    }
}

/// Tells the parent that a step was entered.
fn say_entered() {
    static SAID: Once = Once::new();
    SAID.call_once(|| println!("entered"));
}

/// The first attempt hangs, any later one is done.
struct Hang;

impl Step for Hang {
    const NAME: &'static str = "hang";
    type Context = ();
    type Input = u64;
    type Output = ();

    async fn run(context: &Attempt, _: u64) -> Result<Done<()>, StepError> {
        say_entered();
        if context.attempt == 1 {
            std::future::pending::<()>().await;
        }
        Ok(Done::new(()))
    }
}

struct Trivial<const N: usize>;

impl<const N: usize> Step for Trivial<N> {
    const NAME: &'static str = ["first", "second", "third"][N];
    type Context = ();
    type Input = u64;
    type Output = u64;

    async fn run(_: &Attempt, input: u64) -> Result<Done<u64>, StepError> {
        say_entered();
        Ok(Done::new(input))
    }
}

struct Share;

impl Step for Share {
    const NAME: &'static str = "share";
    type Context = ();
    type Input = u64;
    type Output = ();

    async fn run(_: &Attempt, input: u64) -> Result<Done<()>, StepError> {
        say_entered();
        let row = i64::try_from(input % SHARED_ROWS).or_fail()?;
        Ok(Done::new(()).recording(Shared { row }))
    }
}

/// Adds one to a row that many runs share.
struct Shared {
    row: i64,
}

impl Record for Shared {
    async fn record(&self, tx: &mut PgConnection) -> Result<(), BoxError> {
        let sql = "UPDATE app SET v = v + 1 WHERE id = $1";
        sqlx::query(sql).bind(self.row).execute(tx).await?;
        Ok(())
    }
}
