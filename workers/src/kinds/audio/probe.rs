//! What a sound is, and what is to be made of it. Nothing is decoded here.

use media::Rejection;
use media::formats::AudioFormat;
use media::recipes::{RecipeHash, audio as recipe};
use serde::{Deserialize, Serialize};
use video::audio::{self, AudioPlan, Container};
use video::probe::RefusalCode;
use workflows::{Attempt, StepError};

use super::{limits, plan};
use crate::errors::{tried, unless};
use crate::kinds::Source;
use crate::tools::{Context, Workplace};

/// A sound that may be worked on. The plan is made here, once, and goes with the run: whatever build or setting comes
/// meanwhile, its tasks and its playlists agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// By structure, whatever was declared.
    pub format: AudioFormat,
    /// The short name of its codec, such as `mp3`.
    pub codec: String,
    pub channels: u32,
    /// Its samples in a second.
    pub sample_rate: u32,
    /// The recipe that the plan was made by.
    pub recipe: RecipeHash,
    /// What is made of it.
    pub plan: AudioPlan,
}

/// Looks at the headers and at every packet, confined. `None` where there are moving pictures. The refusal is the
/// file's, the error is not.
pub async fn probe(
    cx: &Attempt<Context>,
    source: &Source,
) -> Result<Result<Option<Probe>, Rejection>, StepError> {
    let context = &cx.context;
    let workplace = Workplace::new(context, source).await?;
    let (sound, scratch) = (workplace.original(), workplace.scratch());
    let limits = limits(&context.limits);
    let looked = tried(cx, || async {
        let looked = audio::probe(&context.tools, &sound, &scratch, &limits);
        unless(RefusalCode::HasVideo, looked.await)
    });
    let found = match looked.await? {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(Ok(None)),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let start = workplace.start()?;
    let plan = AudioPlan::new(&found, &plan::settings());
    Ok(Ok(Some(Probe {
        format: format(found.container, &start),
        codec: found.codec,
        channels: found.channels,
        sample_rate: found.sample_rate,
        recipe: recipe::recipe().hash(),
        plan,
    })))
}

/// The format of a sound in `container` that begins with `start`.
fn format(container: Container, start: &[u8]) -> AudioFormat {
    match container {
        Container::Mp3 => AudioFormat::Mp3,
        Container::Aac => AudioFormat::Aac,
        Container::Mov => AudioFormat::M4a,
        Container::Flac => AudioFormat::Flac,
        Container::Wav => AudioFormat::Wav,
        Container::Aiff => AudioFormat::Aiff,
        Container::Ogg => AudioFormat::Ogg,
        Container::Asf => AudioFormat::Wma,
        Container::Amr => AudioFormat::Amr,
        Container::Matroska if start.windows(4).any(|word| word == b"webm") => AudioFormat::Webm,
        Container::Matroska => AudioFormat::Matroska,
    }
}
