//! What one attempt's writes can do to those of others: nothing.

mod endless;
mod failing_writes;
mod held_runs;
mod sessions;
mod shared_rows;
mod slow_writes;

use futures::FutureExt;
use sqlx::PgConnection;
use workflows::{Done, Step, StepContext, StepError, StepSettings, Workflow, step::BoxError};

use crate::{evidence::Executions, world::quick};

/// How a step declares its write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Declared {
    /// [`Done::writing`]
    Any,
    /// [`Done::writing_own_rows`], whether that is true or not.
    OwnRows,
}

/// Adds one to a row of `app`, whose number it is given.
struct Add {
    declared: Declared,
    executions: Executions,
}

impl Step for Add {
    const NAME: &'static str = "add";
    type Input = i32;
    type Output = i32;

    fn settings(&self) -> StepSettings {
        quick(3)
    }

    async fn run(&self, context: &StepContext, row: i32) -> Result<Done<i32>, StepError> {
        self.executions.note(context);
        let done = Done::new(row);
        Ok(match self.declared {
            Declared::Any => done.writing(move |tx| add_one(tx, row).boxed()),
            Declared::OwnRows => done.writing_own_rows(move |tx| add_one(tx, row).boxed()),
        })
    }
}

async fn add_one(tx: &mut PgConnection, row: i32) -> Result<(), BoxError> {
    let update = sqlx::query("UPDATE app SET v = v + 1 WHERE id = $1").bind(row);
    update.execute(tx).await?;
    Ok(())
}

fn adding(declared: Declared, executions: &Executions) -> Workflow<i32> {
    let executions = executions.clone();
    Workflow::named("adding", 1)
        .step(Add {
            declared,
            executions,
        })
        .build()
}
