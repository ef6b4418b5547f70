//! Carries out one task of the plan, confined, with its files on this machine.

use std::fs::File;
use std::path::Path;

use codecs::{Rendered, RenderedImage};
use media::formats::OutputFormat;
use media::{Placeholder, Rejection};
use serde::{Deserialize, Serialize};
use video::audio::{self, AudioTask, Sound};
use video::encode::Desk;
use workflows::{Attempt, StepError};

use super::{Unit, plan};
use crate::errors::{self, decoded, tried};
use crate::kinds::{self, LocalFile, Made, Rendering, Source, image};
use crate::tools::{Context, Workplace};

/// What a task has made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// All that is played, and the waveform.
    Sound(Sound),
    /// The cover in several sizes, the widest first; none where it is no picture that is taken.
    Covers(Vec<Cover>),
}

/// A picture that came with a sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cover {
    pub name: String,
    pub size_bytes: u64,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// Makes it, in a folder that goes with the value.
pub async fn render(
    cx: &Attempt<Context>,
    source: &Source,
    unit: &Unit,
) -> Result<Rendering, StepError> {
    let workplace = Workplace::new(&cx.context, source).await?;
    let (sound, scratch) = (workplace.original(), workplace.scratch());
    let limits = unit.limits();
    let desk = Desk {
        tools: &cx.context.tools,
        file: &sound,
        folder: &scratch,
        limits: &limits,
        threads: plan::THREADS,
    };
    let (output, placeholder) = match unit.task {
        AudioTask::Sound => {
            let made = tried(cx, || {
                audio::encode(desk, &unit.plan, move |share| {
                    cx.progress(share, "encoding");
                })
            });
            (Output::Sound(made.await?.map_err(errors::reject)?), None)
        }
        AudioTask::Cover => {
            let (covers, placeholder) = covers(cx, desk, unit).await?;
            (Output::Covers(covers), placeholder)
        }
    };
    let files = files(&output).into_iter().map(|name| LocalFile {
        path: scratch.join(&name),
        mime_type: mime_type(&name),
        name,
    });
    let made = Made {
        name: String::new(),
        files: files.collect(),
        output: kinds::Output::Audio(output),
    };
    Ok(Rendering {
        folder: workplace.folder,
        made: vec![made],
        placeholder,
        document: None,
    })
}

/// The cover, decoded in the sandbox as any stranger's picture. One that cannot be is left out: the sound is what the
/// file is about.
async fn covers(
    cx: &Attempt<Context>,
    desk: Desk<'_>,
    unit: &Unit,
) -> Result<(Vec<Cover>, Option<Placeholder>), StepError> {
    let without = |rejection: Rejection| {
        tracing::info!(rejection.code = %rejection.code, "a cover is left out");
        (Vec::new(), None)
    };
    let taken_out = tried(cx, || audio::cover(desk, &unit.plan));
    let picture = match taken_out.await? {
        Ok(picture) => picture,
        Err(rejection) => return Ok(without(rejection)),
    };
    let rendered = decode(cx, &picture, desk.folder).await?;
    Ok(rendered.map_or_else(without, |rendered| {
        let covers = rendered.pictures.iter().map(cover).collect();
        (covers, rendered.placeholder)
    }))
}

async fn decode(
    cx: &Attempt<Context>,
    picture: &Path,
    folder: &Path,
) -> Result<Result<Rendered, Rejection>, StepError> {
    let context = &cx.context;
    let (plan, limits) = (plan::covers(), image::limits(&context.limits));
    let disk = |error| errors::machine("cannot read the scratch folder", error);
    decoded(|| async {
        let file = File::open(picture).map_err(disk)?;
        let cancelled = &cx.cancelled;
        let rendered = context
            .decoders
            .render_image(file, &plan, folder, &limits, cancelled);
        Ok(rendered.await?)
    })
    .await
}

fn cover(image: &RenderedImage) -> Cover {
    Cover {
        name: plan::cover_file(&image.name),
        size_bytes: image.size_bytes,
        width: image.width,
        height: image.height,
    }
}

/// Names of all files of an output.
pub fn files(output: &Output) -> Vec<String> {
    match output {
        Output::Sound(sound) => sound.files(),
        Output::Covers(covers) => covers.iter().map(|cover| cover.name.clone()).collect(),
    }
}

fn mime_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("webp") => OutputFormat::Webp.mime_type(),
        Some("json") => OutputFormat::Json.mime_type(),
        _ => OutputFormat::M4a.mime_type(),
    }
}
