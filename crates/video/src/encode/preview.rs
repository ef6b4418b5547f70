//! The animated preview: three seconds of the film as a small `WebP`, within a budget of bytes.

use crate::encode::{Desk, EncodeError, Made, filters, opened_at, poster, without_metadata, words};
use crate::plan::{PREVIEW_US, Plan};
use crate::probe::Ratio;

/// The file that is made.
const NAME: &str = "preview.webp";
/// Its size in bytes at most, if any of [`TRIES`] can reach it.
pub const BUDGET_BYTES: u64 = 300_000;
/// Width in pixels, pictures in a second, quality from 0 to 100: the first within the budget is kept.
const TRIES: [(u32, u32, u32); 4] = [(320, 10, 60), (320, 8, 35), (240, 6, 25), (160, 4, 15)];

/// Makes `preview.webp`: about 3 s of the film, animated.
pub(super) async fn encode(desk: Desk<'_>, plan: &Plan) -> Result<Made, EncodeError> {
    let length_us = PREVIEW_US.min(plan.duration_us());
    let top = plan.rungs.last().map_or(2, |rung| rung.width);
    let mut made = Vec::new();
    for (width, rate, quality) in TRIES {
        let (width, height) = poster::size_at(plan, width.min(top));
        let frames = (length_us * u64::from(rate)).div_ceil(1_000_000).max(1);
        let graph = format!(
            "{}{},{}[v]",
            filters::source(plan),
            filters::constant_rate(Ratio { num: rate, den: 1 }, plan.preview_start_us),
            filters::plain(plan.picture.colours, width, height),
        );
        let mut after = vec!["-filter_complex".to_owned(), graph];
        after.extend(words(&format!(
            "-map [v] -frames:v {frames} -c:v libwebp_anim -quality {quality} -loop 0"
        )));
        after.extend(without_metadata());
        after.extend(words(&format!("-f webp {NAME}")));
        let seek_us = plan.preview_start_us.saturating_sub(1_000_000);
        desk.ffmpeg(plan, &opened_at(seek_us, desk.threads), &after, |_| ())
            .await?;
        made = desk.sizes(vec![NAME.to_owned()]).await?;
        if made.iter().all(|(_, bytes)| *bytes <= BUDGET_BYTES) {
            break;
        }
    }
    Ok(Made::Pictures(made))
}
