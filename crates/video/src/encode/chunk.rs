//! A chunk of the film in all rungs, from one decode.

use std::fmt::Write;

use crate::encode::cut::{self, Clock};
use crate::encode::{Desk, EncodeError, Made, filters, opened_at, without_metadata, words};
use crate::exec::Progress;
use crate::plan::{Chunk, Plan, Rung};

/// Encodes `chunk`. Leaves `720p/init.mp4`, `720p/00000.m4s`… for each rung.
pub(super) async fn encode(
    desk: Desk<'_>,
    plan: &Plan,
    chunk: &Chunk,
    mut on_progress: impl FnMut(Progress) + Send,
) -> Result<Made, EncodeError> {
    let mut after = vec!["-filter_complex".to_owned(), graph(plan, chunk)];
    for (number, rung) in plan.rungs.iter().enumerate() {
        after.extend(output(plan, chunk, rung, number, desk.threads));
    }
    let before = opened_at(chunk.seek_us, desk.threads);
    let mut progress = Progress::default();
    let told = |line: &[u8]| {
        if progress.take(line) {
            on_progress(progress);
        }
    };
    desk.ffmpeg(plan, &before, &after, told).await?;

    let mut renditions = Vec::with_capacity(plan.rungs.len());
    for rung in &plan.rungs {
        let clock = Clock::of_pictures(plan, chunk.first_segment);
        let rendition = cut::into_segments(desk.folder, &rung.name, clock).await?;
        let made = rendition.segments.len() as u64;
        if made != chunk.segments {
            let planned = chunk.segments;
            return Err(EncodeError::Segments { made, planned });
        }
        renditions.push(rendition);
    }
    Ok(Made::Chunk(renditions))
}

/// Everything is done at the largest size, once; smaller sizes are scaled from it.
fn graph(plan: &Plan, chunk: &Chunk) -> String {
    // A chunk that begins after the last picture shows that one: it is decoded, and what stands before is left out.
    let from = chunk.first_frame.min(plan.frame_at(plan.last_picture_us()));
    let start_us = plan.time_us(from);
    let mut graph = filters::source(plan);
    let count = plan.rungs.len();
    let Some(top) = plan.rungs.last() else {
        return graph;
    };
    graph += &filters::constant_rate(plan.frame_rate, start_us);
    // Writing to a text does not fail.
    if from < chunk.first_frame {
        let _ = write!(graph, ",trim=start_frame={}", chunk.first_frame - from);
    }
    let look = filters::plain(plan.picture.colours, top.width, top.height);
    let _ = write!(graph, ",{look},split={count}");
    for number in 0..count - 1 {
        let _ = write!(graph, "[s{number}]");
    }
    let _ = write!(graph, "[v{}]", count - 1);
    for (number, rung) in plan.rungs[..count - 1].iter().enumerate() {
        let (width, height) = (rung.width, rung.height);
        let _ = write!(
            graph,
            ";[s{number}]scale={width}:{height}:flags=bicubic,setsar=1[v{number}]"
        );
    }
    graph
}

fn output(plan: &Plan, chunk: &Chunk, rung: &Rung, number: usize, threads: u32) -> Vec<String> {
    let gop = plan.segment_frames;
    let (crf, most, buffer) = (rung.crf, rung.max_bitrate, rung.max_bitrate / 2 * 3);
    let frames = chunk.frames;
    let mut options = words(&format!(
        "-map [v{number}] -frames:v {frames} -fps_mode passthrough -c:v libx264 -threads {threads} \
         -preset veryfast -profile:v high -crf {crf} -maxrate {most} -bufsize {buffer} \
         -g {gop} -keyint_min {gop} -sc_threshold 0 -x264-params stitchable=1:open_gop=0 \
         -color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv \
         -movflags +frag_keyframe+empty_moov+default_base_moof -f mp4"
    ));
    options.extend(without_metadata());
    options.push(format!("{}.mp4", rung.name));
    options
}
