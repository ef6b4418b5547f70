//! What a film is, and what is to be made of it. Nothing is decoded here.

use media::Rejection;
use media::formats::VideoFormat;
use media::recipes::{RecipeHash, video as recipe};
use serde::{Deserialize, Serialize};
use video::exec::limits_of_a_look;
use video::plan::Plan;
use video::probe::{Container, RefusalCode};
use workflows::{Attempt, StepError};

use super::{limits, plan};
use crate::errors::{tried, unless};
use crate::kinds::Source;
use crate::tools::{Context, Workplace};

/// A film that may be worked on. The plan is made here, once, and goes with the run: whatever build or setting comes
/// meanwhile, its tasks and its playlists agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// By structure, whatever was declared.
    pub format: VideoFormat,
    /// The recipe that the plan was made by.
    pub recipe: RecipeHash,
    /// What is made of it.
    pub plan: Plan,
    /// It ends before its structure says.
    #[serde(default)]
    pub truncated: bool,
}

/// Looks at the headers and at every packet, confined. `None` where there is no moving picture. The refusal is the
/// file's, the error is not.
pub async fn probe(
    cx: &Attempt<Context>,
    source: &Source,
) -> Result<Result<Option<Probe>, Rejection>, StepError> {
    let context = &cx.context;
    let workplace = Workplace::new(context, source).await?;
    let (film, scratch) = (workplace.original(), workplace.scratch());
    let limits = limits(&context.limits);
    let tool_limits = limits_of_a_look();
    let looked = tried(cx, || async {
        let tools = &context.tools;
        let looked = video::probe::probe(tools, &film, &scratch, &limits, &tool_limits);
        unless(RefusalCode::NoVideo, looked.await)
    });
    let found = match looked.await? {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(Ok(None)),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let start = workplace.start()?;
    let recipe = recipe::recipe(context.extras);
    let hash = recipe.hash();
    let settings = plan::settings(recipe, context.video_chunk_seconds);
    Ok(Ok(Some(Probe {
        format: format(found.container, &start),
        recipe: hash,
        plan: Plan::new(&found, &settings),
        truncated: found.cut_short,
    })))
}

/// The format of a film in `container` that begins with `start`.
fn format(container: Container, start: &[u8]) -> VideoFormat {
    match container {
        Container::Mov => match start.get(4..12) {
            Some(b"ftypqt  ") => VideoFormat::QuickTime,
            Some(brand) if brand.starts_with(b"ftyp3g") => VideoFormat::ThreeGp,
            Some(brand) if brand.starts_with(b"ftyp") => VideoFormat::Mp4,
            // Older than brands.
            _ => VideoFormat::QuickTime,
        },
        Container::Matroska if start.windows(4).any(|word| word == b"webm") => VideoFormat::Webm,
        Container::Matroska => VideoFormat::Matroska,
        Container::Avi => VideoFormat::Avi,
        Container::MpegTs => VideoFormat::MpegTs,
        Container::MpegPs | Container::MpegVideo => VideoFormat::Mpeg,
        Container::Flv => VideoFormat::Flv,
        Container::Ogg => VideoFormat::Ogg,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relatives_are_told_apart_by_their_brand() {
        for (container, start, expected) in [
            (
                Container::Mov,
                &b"\0\0\0\x14ftypqt  \0\0"[..],
                VideoFormat::QuickTime,
            ),
            (Container::Mov, b"\0\0\0\x14ftypisom\0\0", VideoFormat::Mp4),
            (
                Container::Mov,
                b"\0\0\0\x14ftyp3gp4\0\0",
                VideoFormat::ThreeGp,
            ),
            (Container::Mov, b"\0\0\0\x08wide", VideoFormat::QuickTime),
            (
                Container::Matroska,
                b"\x1aE\xdf\xa3....webm",
                VideoFormat::Webm,
            ),
            (
                Container::Matroska,
                b"\x1aE\xdf\xa3....matroska",
                VideoFormat::Matroska,
            ),
        ] {
            assert_eq!(format(container, start), expected);
        }
    }
}
