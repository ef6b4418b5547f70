//! Carries out one task of a plan in a scratch folder.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::audio::cover::{self, COVER};
use crate::audio::peaks::{Measuring, Peaks};
use crate::audio::picture;
use crate::audio::plan::AudioPlan;
use crate::encode::cut::{self, Clock};
use crate::encode::{Desk, EncodeError, Rendition, without_metadata, words};
use sandbox::ToolError;

use crate::exec::{Source, ToolCall};

/// The whole sound in one file.
const WHOLE: &str = "audio.m4a";
/// File name of the peaks of the waveform.
const PEAKS: &str = "waveform.json";
/// File name of the picture of the waveform.
const PICTURE: &str = "waveform.webp";

/// All that was made of a sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sound {
    /// Segments of each rendition, the lower bitrate first.
    pub renditions: Vec<Rendition>,
    /// The whole sound in one file, at the higher bitrate.
    pub whole: File,
    /// The peaks as JSON.
    pub peaks: File,
    pub picture: Picture,
    /// The length as decoded, in microseconds.
    pub duration_us: u64,
}

/// A file in the scratch folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    pub name: String,
    /// Its size in bytes.
    pub size_bytes: u64,
}

/// A picture in the scratch folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Where it is.
    pub file: File,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl Sound {
    /// The names of all files that were left in the scratch folder.
    pub fn files(&self) -> Vec<String> {
        let single = [&self.whole, &self.peaks, &self.picture.file];
        let segments = self.renditions.iter().flat_map(Rendition::files);
        let single = single.into_iter().map(|file| file.name.clone());
        segments.chain(single).collect()
    }
}

/// Makes all of it from one decode. `on_progress` hears of the share that is decoded, from 0 to 1.
pub async fn encode(
    desk: Desk<'_>,
    plan: &AudioPlan,
    mut on_progress: impl FnMut(f64) + Send,
) -> Result<Sound, EncodeError> {
    let planned = plan.samples();
    let mut measuring = Measuring::new(plan.samples_per_pixel);
    let mut told = 0;
    let call = ToolCall::ffmpeg_quiet(
        &source(desk, plan),
        desk.folder,
        desk.limits.clone(),
        &["-threads".to_owned(), desk.threads.to_string()],
        &line(plan),
    );
    let decode = desk.tools.pieces(&call, |bytes| {
        measuring.take(bytes);
        let hundredth = measuring.samples() * 100 / planned.max(1);
        if hundredth > told {
            told = hundredth;
            #[expect(clippy::cast_precision_loss, reason = "for people")]
            on_progress((hundredth as f64 / 100.0).min(1.0));
        }
        Ok(())
    });
    decode.await?;
    let samples = measuring.samples();
    // What packets promised and the decoder did not find is damage.
    if samples < (planned / 10 * 9).saturating_sub(u64::from(plan.sample_rate) * 2) {
        let seconds = |samples: u64| samples / u64::from(plan.sample_rate);
        let (made, planned) = (seconds(samples), seconds(planned));
        return Err(EncodeError::Short { made, planned });
    }
    let duration_us = u128::from(samples) * 1_000_000 / u128::from(plan.sample_rate);
    let mut renditions = Vec::with_capacity(plan.bitrates.len());
    for name in names(plan) {
        let clock = Clock::of_sound(plan.sample_rate);
        renditions.push(cut::into_segments(desk.folder, &name, clock).await?);
    }
    let (peaks, picture) = draw(desk, measuring.finish(plan.sample_rate)).await?;
    Ok(Sound {
        renditions,
        whole: file(desk, WHOLE).await?,
        peaks,
        picture,
        duration_us: u64::try_from(duration_us).unwrap_or(u64::MAX),
    })
}

/// Takes the picture out that came with the sound, and returns where it is.
pub async fn cover(desk: Desk<'_>, plan: &AudioPlan) -> Result<PathBuf, EncodeError> {
    let stream = plan.cover.ok_or(EncodeError::NoSuchTask)?;
    cover::extract(desk, plan, stream).await?;
    Ok(desk.folder.join(COVER))
}

fn source(desk: Desk<'_>, plan: &AudioPlan) -> Source {
    Source {
        file: PathBuf::from(desk.file),
        allowed: plan.allowed.clone(),
    }
}

/// The folders of the renditions, as `64k`.
fn names(plan: &AudioPlan) -> [String; 2] {
    plan.bitrates.map(|bits| format!("{}k", bits / 1000))
}

/// Filters and outputs: both renditions in fragments, the higher also as one file that can be played while it
/// is fetched, and samples for the peaks to standard output. Gaps in the container's times are silence; where it begins to count does not matter.
fn line(plan: &AudioPlan) -> Vec<String> {
    let (rate, segment_us) = (plan.sample_rate, plan.segment_us);
    let layout = if plan.channels == 1 { "mono" } else { "stereo" };
    let graph = format!(
        "[0:{}]aresample={rate}:async=1,aformat=sample_rates={rate}:channel_layouts={layout},\
         asetpts=N/SR/TB,asplit=3[low][high][all];[all]aformat=channel_layouts=mono[mixed]",
        plan.stream
    );
    let [low, high] = names(plan);
    let [few, many] = plan.bitrates;
    let fragments = format!("+empty_moov+default_base_moof:frag_duration={segment_us}");
    let mut line = vec!["-filter_complex".to_owned(), graph];
    line.extend(words(&format!(
        "-map [low] -c:a aac -b:a {few} -flags +bitexact -f mp4 -frag_duration {segment_us} \
         -movflags +empty_moov+default_base_moof"
    )));
    line.extend(without_metadata());
    line.push(format!("{low}.mp4"));
    line.extend(words(&format!(
        "-map [high] -c:a aac -b:a {many} -flags +bitexact+global_header -f tee"
    )));
    line.extend(without_metadata());
    line.push(format!(
        "[f=mp4:fflags=+bitexact:movflags={fragments}]{high}.mp4|\
         [f=ipod:fflags=+bitexact:movflags=+faststart]{WHOLE}"
    ));
    line.extend(words("-map [mixed] -c:a pcm_s16le -f s16le pipe:1"));
    line
}

/// Writes the peaks and their picture.
async fn draw(desk: Desk<'_>, peaks: Peaks) -> Result<(File, Picture), EncodeError> {
    let drawn = tokio::task::spawn_blocking(move || {
        let webp = picture::draw(&peaks).map_err(std::io::Error::other)?;
        Ok::<_, std::io::Error>((serde_json::to_vec(&peaks)?, webp))
    });
    let io = ToolError::io("drawing a waveform");
    let drawn = drawn.await.map_err(std::io::Error::other);
    let (json, webp) = drawn.and_then(|drawn| drawn).map_err(io)?;
    for (name, bytes) in [(PEAKS, json), (PICTURE, webp)] {
        let written = tokio::fs::write(desk.folder.join(name), bytes).await;
        written.map_err(ToolError::io("writing a waveform"))?;
    }
    let picture = Picture {
        file: file(desk, PICTURE).await?,
        width: picture::WIDTH,
        height: picture::HEIGHT,
    };
    Ok((file(desk, PEAKS).await?, picture))
}

async fn file(desk: Desk<'_>, name: &str) -> Result<File, EncodeError> {
    let file = tokio::fs::symlink_metadata(desk.folder.join(name)).await;
    let size_bytes = file.map_err(ToolError::io("looking at an output"))?.len();
    let name = name.to_owned();
    Ok(File { name, size_bytes })
}
