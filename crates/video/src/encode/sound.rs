//! A track of sound, whole: AAC-LC, stereo, 48 kHz, exactly as long as the pictures.

use crate::encode::aac::SAMPLE_RATE;
use crate::encode::cut::{self, Clock};
use crate::encode::{Desk, EncodeError, Made, opened_at, without_metadata, words};
use crate::plan::{Plan, SoundWork};

/// Encodes the track. Leaves `sound-0/init.mp4`, `sound-0/00000.m4s`…
pub(super) async fn encode(
    desk: Desk<'_>,
    plan: &Plan,
    work: &SoundWork,
    number: usize,
) -> Result<Made, EncodeError> {
    let name = format!("sound-{number}");
    let samples = u128::from(plan.duration_us()) * u128::from(SAMPLE_RATE) / 1_000_000;
    // Silence before a late start, in gaps, and to the end.
    let graph = format!(
        "[0:{}]aresample={SAMPLE_RATE}:async=1:first_pts=0,\
         aformat=sample_rates={SAMPLE_RATE}:channel_layouts=stereo,apad,atrim=end_sample={samples}[a]",
        work.stream
    );
    let segment_us = plan.time_us(plan.segment_frames);
    let mut after = vec!["-filter_complex".to_owned(), graph];
    after.extend(words(&format!(
        "-map [a] -c:a aac -b:a 128k -movflags +empty_moov+default_base_moof \
         -frag_duration {segment_us} -f mp4"
    )));
    after.extend(without_metadata());
    after.push(format!("{name}.mp4"));
    desk.ffmpeg(plan, &opened_at(0, desk.threads), &after, |_| ())
        .await?;
    let rendition = cut::into_segments(desk.folder, &name, Clock::of_sound(SAMPLE_RATE)).await?;
    Ok(Made::Sound(rendition))
}
