//! The storyboard: small pictures of the whole film on sheets, and where each is.

use std::fmt::Write;

use crate::encode::{Desk, EncodeError, Made, filters, opened_at, without_metadata, words};
use crate::plan::Plan;
use crate::probe::Ratio;

/// The name of sheet `number`, from one.
fn sheet(number: u64) -> String {
    format!("storyboard-{number}.webp")
}

/// Makes the sheets `storyboard-1.webp`, `storyboard-2.webp` and so on
pub(super) async fn encode(desk: Desk<'_>, plan: &Plan) -> Result<Made, EncodeError> {
    let board = plan.storyboard;
    let rate = u32::try_from(board.interval_us)
        .ok()
        .and_then(|interval| Ratio::new(1_000_000, interval))
        .unwrap_or(Ratio { num: 1, den: 60 });
    let sheets = board.pictures.div_ceil(board.side * board.side);
    let graph = format!(
        "{}{},trim=end_frame={},{},tile={side}x{side}",
        filters::joined(plan),
        filters::constant_rate(rate, 0),
        board.pictures,
        filters::plain(plan.picture.colours, board.width, board.height),
        side = board.side,
    );
    // A graph with named inputs would take back what is said of packets below.
    let mut after = vec!["-vf".to_owned(), graph];
    let stream = plan.picture.stream;
    after.extend(words(&format!(
        "-map 0:{stream} -frames:v {sheets} -c:v libwebp -quality 60"
    )));
    after.extend(without_metadata());
    after.extend(words("-f image2 storyboard-%d.webp"));
    let mut before = opened_at(0, desk.threads);
    if board.keyframes_only {
        // Nor are other pictures read, where the container says which they are: most of a film need not come here.
        before.extend(words("-skip_frame nokey -discard nokey"));
    }
    desk.ffmpeg(plan, &before, &after, |_| ()).await?;
    let names = (1..=sheets).map(sheet).collect();
    Ok(Made::Pictures(desk.sizes(names).await?))
}

/// The index of the sheets as `WebVTT`: for each time, which part of which sheet to show. `address` says
/// where a sheet is, seen from the index.
pub fn index(plan: &Plan, address: &dyn Fn(&str) -> String) -> String {
    let board = plan.storyboard;
    let per_sheet = board.side * board.side;
    let mut vtt = "WEBVTT\n".to_owned();
    for number in 0..board.pictures {
        let start = number * board.interval_us;
        let end = (start + board.interval_us).min(plan.duration_us().max(start + 1_000));
        let place = number % per_sheet;
        let x = place % board.side * u64::from(board.width);
        let y = place / board.side * u64::from(board.height);
        let (from, to) = (time(start / 1000), time(end / 1000));
        // Writing to a text does not fail.
        let _ = write!(
            vtt,
            "\n{from} --> {to}\n{}#xywh={x},{y},{},{}\n",
            address(&sheet(number / per_sheet + 1)),
            board.width,
            board.height
        );
    }
    vtt
}

/// A time as `WebVTT` writes it: `01:02:03.456`.
pub(super) fn time(millis: u64) -> String {
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    format!(
        "{:02}:{:02}:{seconds:02}.{millis:03}",
        minutes / 60,
        minutes % 60
    )
}
