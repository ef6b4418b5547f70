//! What one attempt's writes can do to those of others: nothing.

mod endless;
mod failing_writes;
mod held_runs;
mod sessions;
mod shared_rows;
mod slow_writes;

use futures::FutureExt;
use sqlx::PgConnection;
use workflows::{Attempt, BoxError, Done, Step, StepError, StepSettings, Workflow};

use crate::{declared::Declared, evidence::Executions, world::quick};

/// Adds one to a row of `app`, whose number it is given.
struct Add;

impl Step for Add {
    const NAME: &'static str = "add";
    type Context = (Declared, Executions);
    type Input = i32;
    type Output = i32;

    fn settings() -> StepSettings {
        quick(3)
    }

    async fn run(cx: &Attempt<Self::Context>, row: i32) -> Result<Done<i32>, StepError> {
        let (declared, executions) = &*cx.context;
        executions.note(cx);
        Ok(declared.recording(Done::new(row), move |tx| add_one(tx, row).boxed()))
    }
}

async fn add_one(tx: &mut PgConnection, row: i32) -> Result<(), BoxError> {
    let update = sqlx::query("UPDATE app SET v = v + 1 WHERE id = $1").bind(row);
    update.execute(tx).await?;
    Ok(())
}

fn adding(declared: Declared, executions: &Executions) -> Workflow<i32> {
    Workflow::named("adding", 1)
        .step::<Add>()
        .build()
        .with_context((declared, executions.clone()))
}
