//! The picture that came with a sound, taken out as it is. Whoever wants to show it decodes it as any
//! stranger's picture.

use crate::audio::plan::AudioPlan;
use crate::encode::{Desk, words};
use sandbox::ToolError;

use crate::exec::{Source, ToolCall};

/// The file that it is written to, in the scratch folder.
pub const COVER: &str = "cover";

/// Writes it. It is copied, not decoded.
pub(super) async fn extract(
    desk: Desk<'_>,
    plan: &AudioPlan,
    stream: u32,
) -> Result<(), ToolError> {
    let source = Source {
        file: desk.file.to_owned(),
        allowed: plan.allowed.clone(),
    };
    let mut after = words(&format!(
        "-map 0:{stream} -frames:v 1 -c copy -f image2pipe"
    ));
    after.push(COVER.to_owned());
    let limits = desk.limits.clone();
    let call = ToolCall::ffmpeg_quiet(&source, desk.folder, limits, &[], &after);
    desk.tools.pieces(&call, |_| Ok(())).await
}
