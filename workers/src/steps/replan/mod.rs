//! Starts the run of a film again that is dead because its pieces did not fit together: from the step that plans it, and
//! in one piece. A workflow of its own, because a run that is dead does nothing more.

use media::{FileId, files::Kept};
use serde::{Deserialize, Serialize};
use workflows::{
    Attempt, Done, NextOnError, RunState, Step, StepError,
    admin::{Actor, AdminError, runs},
    inspect,
};

use crate::{queues, steps::promote::Promote, tools::Context, workflows::hooks};

pub(crate) struct Replan;

/// The film whose pieces did not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Torn {
    pub file_id: FileId,
}

/// For the audit.
const WHY: &str = "the pieces of the film did not fit together: it is made once more in one piece";

impl Step for Replan {
    const NAME: &'static str = "replan";
    const QUEUE: &'static str = queues::LIGHT;
    type Context = Context;
    type Input = Torn;
    type Output = ();

    async fn run(cx: &Attempt<Context>, Torn { file_id }: Torn) -> Result<Done<()>, StepError> {
        let pool = &cx.context.pool;
        let run = inspect::latest_run(pool, file_id.0).await.or_retry()?;
        let Some(run) = run.filter(|run| run.state == RunState::Dead) else {
            return Ok(Done::new(())); // Somebody was faster.
        };
        // How long refused files are kept does not matter to one that lives again.
        let hooks = hooks(Kept::default());
        let by = Actor::new("mediamill", WHY).telling(&hooks);
        match runs::restart(pool, run.run_id, Some(Promote::NAME), by).await {
            Ok(()) | Err(AdminError::Conflict(_) | AdminError::NotFound { .. }) => {
                Ok(Done::new(()))
            }
            Err(error) => Err(error).or_retry(),
        }
    }
}
