//! Carries out one task of the plan, confined, with its files on this machine.

use media::formats::OutputFormat;
use serde::{Deserialize, Serialize};
use video::encode::{self, Desk, Made as Files};
use video::plan::Task;
use workflows::{Attempt, StepError};

use super::{Unit, plan};
use crate::errors::{self, Blame, tried};
use crate::kinds::{self, LocalFile, Made, Rendering, Source, image};
use crate::tools::{Context, Workplace};

/// What a task has made: the facts from which playlists are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its files, measured.
    pub files: Files,
}

/// Makes them, in a folder that goes with the value.
pub async fn render(
    cx: &Attempt<Context>,
    source: &Source,
    unit: &Unit,
) -> Result<Rendering, StepError> {
    let workplace = Workplace::in_part(&cx.context, source).await?;
    let (film, scratch) = (workplace.original(), workplace.scratch());
    let (tools, limits) = (workplace.tools(&cx.context), unit.limits());
    let desk = Desk {
        tools: &tools,
        file: &film,
        folder: &scratch,
        limits: &limits,
        threads: plan::THREADS,
    };
    let frames = unit.plan.chunks.first().map_or(0, |chunk| chunk.frames);
    let made = tried(cx, || async {
        let made = encode::run(desk, &unit.plan, unit.task_here(), move |progress| {
            cx.progress(share(progress.frames, frames), "encoding");
        });
        let made = made.await;
        workplace.has_brought().map_err(Blame::Other)?;
        made.map_err(Blame::from)
    });
    let files = made.await?.map_err(errors::reject)?;
    let names = files.files(unit.task);
    let placeholder = match (unit.task, names.last()) {
        (Task::Poster, Some(poster)) => {
            image::render::placeholder(cx, &scratch.join(poster)).await?
        }
        _ => None,
    };
    let local = names.into_iter().map(|name| LocalFile {
        path: scratch.join(&name),
        mime_type: mime_type(unit.task, &name),
        name,
    });
    let made = Made {
        name: String::new(),
        files: local.collect(),
        output: kinds::Output::Video(Output { files }),
    };
    Ok(Rendering {
        folder: workplace.folder,
        made: vec![made],
        placeholder,
        document: None,
    })
}

/// From 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "for people")]
fn share(done: u64, all: u64) -> f64 {
    (done as f64 / all.max(1) as f64).min(1.0)
}

fn mime_type(task: Task, name: &str) -> &'static str {
    match (task, name.rsplit('.').next()) {
        (_, Some("webp")) => OutputFormat::Webp.mime_type(),
        (_, Some("vtt")) => OutputFormat::Vtt.mime_type(),
        (Task::Sound(_), _) => "audio/mp4",
        _ => "video/mp4",
    }
}
