//! A track of subtitles as `WebVTT`, in segments as long as those of pictures.

use std::fmt::Write;

use sandbox::ToolError;

use crate::encode::cut::segment_file;
use crate::encode::storyboard::time;
use crate::encode::{
    CLOCK_START_SECONDS, Desk, EncodeError, Made, opened_at, without_metadata, words,
};
use crate::plan::{Plan, SubtitleWork};

/// The most bytes of a track.
const MOST_BYTES: u64 = 16 << 20;

/// The folder of the segments of track `number`.
pub(crate) fn subtitles_folder(number: usize) -> String {
    format!("subtitles-{number}")
}

/// One text and when it is shown, in milliseconds from the film's start.
#[derive(Debug, PartialEq, Eq)]
struct Cue {
    start: u64,
    end: u64,
    text: String,
}

/// Makes `subtitles-0/00000.vtt` and so on, a file per segment of each track.
pub(super) async fn encode(
    desk: Desk<'_>,
    plan: &Plan,
    work: &SubtitleWork,
    number: usize,
) -> Result<Made, EncodeError> {
    let name = subtitles_folder(number);
    let mut after = words(&format!("-map 0:{} -c:s webvtt", work.stream));
    after.extend(without_metadata());
    after.extend(words(&format!("-f webvtt {name}.vtt")));
    desk.ffmpeg(plan, &opened_at(0, desk.threads), &after, |_| ())
        .await?;

    let io = ToolError::io("cutting subtitles");
    let whole = desk.folder.join(format!("{name}.vtt"));
    let segments = async {
        if tokio::fs::metadata(&whole).await?.len() > MOST_BYTES {
            return Err(std::io::Error::other("too much text"));
        }
        let text = tokio::fs::read(&whole).await?;
        tokio::fs::remove_file(&whole).await?;
        let cues = cues(&String::from_utf8_lossy(&text));
        let folder = desk.folder.join(&name);
        tokio::fs::create_dir_all(&folder).await?;
        let mut sizes = Vec::new();
        for number in 0..plan.segments() {
            let segment = segment(plan, &cues, number);
            tokio::fs::write(folder.join(segment_file(number, "vtt")), &segment).await?;
            sizes.push(segment.len() as u64);
        }
        Ok(sizes)
    };
    Ok(Made::Subtitles(segments.await.map_err(io)?))
}

/// A segment: what is shown during it, also what began before. Times stay those of the film.
fn segment(plan: &Plan, cues: &[Cue], number: u64) -> String {
    let first = number * plan.segment_frames;
    let start = plan.time_us(first) / 1000;
    let end = plan
        .time_us((first + plan.segment_frames).min(plan.frames))
        .div_ceil(1000);
    let clock = CLOCK_START_SECONDS * 90_000;
    let mut vtt = format!("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:{clock},LOCAL:00:00:00.000\n");
    for cue in cues.iter().filter(|cue| cue.start < end && cue.end > start) {
        // Writing to a text does not fail.
        let _ = write!(
            vtt,
            "\n{} --> {}\n{}\n",
            time(cue.start),
            time(cue.end),
            cue.text
        );
    }
    vtt
}

/// The cues of a `WebVTT` as ffmpeg writes it.
fn cues(vtt: &str) -> Vec<Cue> {
    let blocks = vtt.split("\n\n").filter_map(|block| {
        let mut lines = block.trim_matches('\n').lines();
        let times = lines.find(|line| line.contains(" --> "))?;
        let (start, end) = times.split_once(" --> ")?;
        let text = lines.collect::<Vec<_>>().join("\n");
        let (start, end) = (millis(start)?, millis(end.split(' ').next()?)?);
        (start < end && !text.is_empty()).then_some(Cue { start, end, text })
    });
    blocks.collect()
}

/// Reads `01:02:03.456` or `02:03.456`.
fn millis(text: &str) -> Option<u64> {
    let (whole, millis) = text.trim().split_once('.')?;
    let seconds = whole.split(':').try_fold(0_u64, |sum, part| {
        sum.checked_mul(60)?.checked_add(part.parse().ok()?)
    })?;
    seconds.checked_mul(1000)?.checked_add(millis.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::{Cue, cues};

    #[test]
    fn cues_are_read_and_nonsense_is_left_out() {
        let vtt = "WEBVTT\n\n00:01.000 --> 00:02.500\nHello\nthere\n\n\
                   01:00:00.000 --> 01:00:01.000 align:start\nLate\n\n\
                   00:05.000 --> 00:04.000\nBackwards\n\nx --> y\nNo\n\n00:06.000 --> 00:07.000\n";
        let cue = |start, end, text: &str| Cue {
            start,
            end,
            text: text.into(),
        };
        let expected = [
            cue(1000, 2500, "Hello\nthere"),
            cue(3_600_000, 3_601_000, "Late"),
        ];
        assert_eq!(cues(vtt), expected);
    }
}
