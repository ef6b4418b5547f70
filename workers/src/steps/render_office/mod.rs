//! The step `render` of documents that LibreOffice has to open, in a queue of its own: each takes hundreds of megabytes.

use std::time::Duration;

use workflows::{Alternative, Attempt, Done, Step, StepError, StepSettings};

use super::render;
use crate::{
    errors,
    facts::{RenderTask, Rendered},
    kinds::{Unit, document},
    queues,
    tools::Context,
};

pub(crate) struct RenderOffice;

impl Step for RenderOffice {
    const NAME: &'static str = "render_office";
    const QUEUE: &'static str = queues::OFFICE;
    const NEEDS: &'static [&'static str] = &[errors::STORE];
    type Context = Context;
    type Input = RenderTask;
    type Output = Rendered;

    fn settings() -> StepSettings {
        StepSettings {
            timeout: document::Unit::LONGEST + Duration::from_mins(1),
            crash_limit: render::CRASH_LIMIT,
            ..StepSettings::default()
        }
    }

    async fn run(cx: &Attempt<Context>, task: RenderTask) -> Result<Done<Rendered>, StepError> {
        render::run(cx, &task).await
    }
}

impl Alternative for RenderOffice {
    fn takes(task: &RenderTask) -> bool {
        matches!(task.unit, Unit::Document(unit) if unit.is_office())
    }
}
