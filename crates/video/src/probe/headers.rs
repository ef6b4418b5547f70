//! The first look: what the headers say.

use std::collections::BTreeSet;

use sandbox::ToolError;

use crate::probe::allowed::{self, Container};
use crate::probe::check::Said;
use crate::probe::packets::Measured;
use crate::probe::raw::{Report, Stream};
use crate::probe::refusal::{Refusal, RefusalCode};
use crate::probe::times::micros;
use crate::probe::types::{Colour, Ratio, Rotation, Timing, VideoProbe, VideoTrack};
use crate::probe::{ProbeError, check, tracks};

/// What ffprobe is to show.
pub const SHOWN: &[&str] = &[
    "-show_format",
    "-show_streams",
    "-show_chapters",
    "-of",
    "json=compact=1",
];

/// What the headers say, before a packet was counted.
pub struct Headers {
    pub video_index: u32,
    pub tracks: usize,
    said: Said,
    probe: VideoProbe,
}

/// Whose a failure of ffprobe is: one that it reports itself is the file's.
pub fn blame(error: ToolError) -> ProbeError {
    let ToolError::Failed {
        signal: None,
        stderr,
        ..
    } = &error
    else {
        return error.into();
    };
    let (code, message) = if stderr.contains("Format not on whitelist") {
        (RefusalCode::UnsupportedContainer, CONTAINER)
    } else if stderr.contains("not on whitelist") {
        (RefusalCode::UnsupportedCodec, CODEC)
    } else if stderr.contains("ncryption") {
        (RefusalCode::Encrypted, ENCRYPTED)
    } else {
        (RefusalCode::Malformed, "the file cannot be read as a film")
    };
    Refusal::new(code, message).into()
}

const CONTAINER: &str = "this is not a kind of file that films are taken from";
const CODEC: &str = "a track of the film is of a codec that is not decoded here";
const ENCRYPTED: &str = "the film is encrypted (DRM)";

/// Reads what ffprobe has written.
pub fn read(json: &[u8], size_bytes: u64) -> Result<Headers, ProbeError> {
    let report: Report = serde_json::from_slice(json)
        .map_err(|_| ToolError::Protocol("a report that is not one"))?;
    let container = Container::of(&report.format.name)
        .ok_or_else(|| Refusal::new(RefusalCode::UnsupportedContainer, CONTAINER))?;
    if report
        .streams
        .iter()
        .any(|stream| matches!(&*stream.codec_tag_string, "encv" | "enca"))
    {
        return Err(Refusal::new(RefusalCode::Encrypted, ENCRYPTED).into());
    }
    let stream = film(&report.streams)?;
    let start_us = micros(report.format.start_time.as_deref()).unwrap_or(0);
    let length = |text: Option<&str>| micros(text).and_then(|us| u64::try_from(us).ok());
    let said = Said {
        frames: stream
            .nb_frames
            .as_deref()
            .and_then(|count| count.parse().ok()),
        pictures_us: length(stream.duration.as_deref()),
        longest_us: length(report.format.duration.as_deref()),
        start_us,
    };
    Ok(Headers {
        video_index: stream.index,
        tracks: report.streams.len(),
        said,
        probe: VideoProbe {
            container,
            size_bytes,
            duration_us: 0,
            longest_us: 0,
            cut_short: false,
            video: video(stream)?,
            sounds: report.streams.iter().filter_map(tracks::sound).collect(),
            subtitles: report.streams.iter().filter_map(tracks::subtitle).collect(),
            chapters: report
                .chapters
                .iter()
                .filter_map(|found| tracks::chapter(found, start_us))
                .collect(),
        },
    })
}

impl Headers {
    pub fn video(&self) -> &VideoTrack {
        &self.probe.video
    }

    pub fn container(&self) -> Container {
        self.probe.container
    }

    /// The streams of sound that are kept.
    pub fn sounds(&self) -> BTreeSet<u32> {
        self.probe.sounds.iter().map(|track| track.index).collect()
    }

    /// The facts: headers, with what was measured in place of what they say.
    pub fn with(self, measured: Measured) -> Result<VideoProbe, Refusal> {
        let mut probe = self.probe;
        let measured = measured.finish(self.said.start_us)?;
        probe.duration_us = measured.duration_us;
        probe.longest_us = measured.longest_us;
        probe.video.duration_us = measured.pictures_us;
        probe.video.last_us = measured.last_us;
        probe.video.timing = measured.timing;
        probe.video.keyframes = measured.keyframes;
        probe
            .sounds
            .retain(|track| measured.streams.contains(&track.index));
        probe
            .subtitles
            .retain(|track| measured.streams.contains(&track.index));
        check::header_is_borne_out(&probe, &self.said)?;
        Ok(probe)
    }
}

/// The stream that is the film: the first of moving pictures that has any, the default one before others.
fn film(streams: &[Stream]) -> Result<&Stream, Refusal> {
    let moving = |stream: &&Stream| {
        let is = &stream.disposition;
        stream.codec_type.as_deref() == Some("video")
            && is.attached_pic + is.still_image + is.timed_thumbnails == 0
    };
    let empty = |stream: &&Stream| {
        stream.pix_fmt.is_none() || matches!(stream.nb_frames.as_deref(), Some("0"))
    };
    let candidates: Vec<&Stream> = streams.iter().filter(moving).collect();
    let decodable = |stream: &&&Stream| {
        let codec = stream.codec_name.as_deref().unwrap_or_default();
        allowed::picture_decoder(codec).is_some() && !empty(stream)
    };
    let chosen = candidates
        .iter()
        .filter(decodable)
        .min_by_key(|stream| (stream.disposition.default == 0, stream.index));
    match (chosen, candidates.first()) {
        (Some(stream), _) => Ok(stream),
        (None, None) => Err(Refusal::new(
            RefusalCode::NoVideo,
            "there is no moving picture in the file",
        )),
        (None, Some(first)) => {
            let codec = first.codec_name.as_deref().unwrap_or_default();
            Err(if allowed::picture_decoder(codec).is_some() {
                Refusal::new(RefusalCode::Malformed, "no picture of the film can be read")
            } else {
                Refusal::new(RefusalCode::UnsupportedCodec, CODEC)
            })
        }
    }
}

fn video(stream: &Stream) -> Result<VideoTrack, Refusal> {
    let side = |side: Option<u32>| side.filter(|&pixels| pixels > 0);
    let (Some(width), Some(height)) = (side(stream.width), side(stream.height)) else {
        return Err(Refusal::new(RefusalCode::Malformed, "the film has no size"));
    };
    let pixel_format = stream.pix_fmt.clone().unwrap_or_default();
    Ok(VideoTrack {
        index: stream.index,
        codec: stream.codec_name.clone().unwrap_or_default(),
        width,
        height,
        pixel_aspect: stream
            .sample_aspect_ratio
            .as_deref()
            .and_then(pixel_aspect)
            .unwrap_or(SQUARE),
        rotation: stream
            .side_data_list
            .iter()
            .find_map(|data| data.rotation)
            .map_or(Rotation::None, rotation),
        declared_rate: stream.r_frame_rate.as_deref().and_then(Ratio::parse),
        average_rate: stream.avg_frame_rate.as_deref().and_then(Ratio::parse),
        duration_us: 0,
        last_us: 0,
        timing: Timing::default(),
        bit_depth: bit_depth(&pixel_format),
        pixel_format,
        colour: Colour {
            transfer: known(stream.color_transfer.as_deref()),
            primaries: known(stream.color_primaries.as_deref()),
            matrix: known(stream.color_space.as_deref()),
        },
        interlaced: matches!(
            stream.field_order.as_deref(),
            Some("tt" | "bb" | "tb" | "bt")
        ),
        keyframes: Vec::new(),
    })
}

const SQUARE: Ratio = Ratio { num: 1, den: 1 };

/// The shape of a pixel, unless it is beyond what any camera makes.
fn pixel_aspect(text: &str) -> Option<Ratio> {
    Ratio::parse(text).filter(|ratio| (0.1..=10.0).contains(&ratio.value()))
}

fn rotation(degrees: f64) -> Rotation {
    // A matrix that is nonsense reads as the smallest of all numbers.
    if !(-360.0..=360.0).contains(&degrees) {
        return Rotation::None;
    }
    let turned = degrees.abs() % 180.0;
    if (turned - 90.0).abs() < 1.0 {
        Rotation::Quarter
    } else if (degrees.abs() - 180.0).abs() < 1.0 {
        Rotation::Half
    } else {
        Rotation::None
    }
}

/// ffmpeg's names end in the depth where it is not 8: `yuv420p10le`.
fn bit_depth(pixel_format: &str) -> u8 {
    [9, 10, 12, 14, 16]
        .into_iter()
        .find(|depth| {
            pixel_format.ends_with(&format!("p{depth}le"))
                || pixel_format.ends_with(&format!("p{depth}be"))
        })
        .unwrap_or(8)
}

fn known(text: Option<&str>) -> Option<String> {
    text.filter(|&text| text != "unknown" && text != "reserved")
        .map(str::to_owned)
}
