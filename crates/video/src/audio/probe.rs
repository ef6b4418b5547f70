//! What a sound is: read from its headers, and measured from its packets where headers may lie.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::audio::allowed::{self, Container};
use crate::audio::late;
use crate::audio::limits::{AudioLimits, at_most, check};
use crate::audio::packets::{Facts, Measured};
use crate::audio::protected;
use sandbox::{Limits, ToolError};

use crate::exec::{Allowed, Source, ToolCall, Tools, limits_of_a_look};
use crate::probe::allowed::sound_decoder;
use crate::probe::raw::{Report, Stream};
use crate::probe::times::micros;
use crate::probe::{ProbeError, Refusal, RefusalCode, packet};

/// All that is known about a sound before it is decoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioProbe {
    /// What it comes in.
    pub container: Container,
    /// Which stream of the file, from zero.
    pub stream: u32,
    /// ffmpeg's name of the codec.
    pub codec: String,
    pub channels: u32,
    /// Samples in a second.
    pub sample_rate: u32,
    /// The length of all packets, in microseconds.
    pub duration_us: u64,
    /// Which stream is a picture that came with the sound.
    pub cover: Option<u32>,
    /// Bytes of something else before it, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins_at: Option<u64>,
}

impl AudioProbe {
    /// What a tool may open that decodes the sound.
    pub fn allowed(&self) -> Allowed {
        let decoder = sound_decoder(&self.codec).map(str::to_owned);
        Allowed {
            demuxers: vec![self.container.demuxer().to_owned()],
            decoders: decoder.into_iter().collect(),
            begins_at: self.begins_at,
        }
    }
}

/// What ffprobe is to show of the headers.
const HEADERS: &[&str] = &["-show_format", "-show_streams", "-of", "json=compact=1"];

/// Looks at `file`, with `folder` as an empty scratch folder.
///
/// Refuses a film with [`RefusalCode::HasVideo`], and what has no sound, cannot be decoded, is protected or
/// over a limit. Whether all of it can be decoded is found out by decoding.
pub async fn probe(
    tools: &Tools,
    file: &Path,
    folder: &Path,
    limits: &AudioLimits,
) -> Result<AudioProbe, ProbeError> {
    let looking = ToolError::io("looking at the input");
    let size_bytes = tokio::fs::metadata(file).await.map_err(looking)?.len();
    at_most(
        RefusalCode::TooLarge,
        "the file has",
        (limits.size_bytes, size_bytes),
        "bytes",
    )?;
    let mut source = Source {
        file: PathBuf::from(file),
        allowed: allowed::looks(),
    };
    let looked = look(tools, &source, folder, limits).await;
    let looking = ToolError::io("looking at the input");
    let begins_at = match &looked {
        Err(ProbeError::Refused(refusal)) if is_of_no_kind(refusal) => {
            late::first_frame(file).map_err(looking)?
        }
        _ => None,
    };
    let (said_us, mut probe) = if let Some(at) = begins_at {
        source.allowed = allowed::late(at);
        look(tools, &source, folder, limits).await?
    } else {
        looked?
    };
    probe.begins_at = begins_at;
    let looking = ToolError::io("looking at the input");
    if protected::by_header(probe.container, file).map_err(looking)? {
        return Err(Refusal::new(RefusalCode::Encrypted, ENCRYPTED).into());
    }
    let measured = measure(tools, &source, folder, probe.stream, limits).await?;
    probe.duration_us = measured.duration_us;
    check(&probe, &measured, said_us, limits)?;
    Ok(probe)
}

/// Looks at the headers of a file.
async fn look(
    tools: &Tools,
    source: &Source,
    folder: &Path,
    limits: &AudioLimits,
) -> Result<(Option<u64>, AudioProbe), ProbeError> {
    let call = ToolCall::ffprobe(source, folder, limits_of_a_look(), HEADERS);
    let json = tools.output(&call).await.map_err(blame)?;
    let report: Report = serde_json::from_slice(&json)
        .map_err(|_| ToolError::Protocol("a report that is not one"))?;
    Ok(headers(&report, limits)?)
}

/// Whether nothing is known of a file but that ffprobe finds no sound in it.
fn is_of_no_kind(refusal: &Refusal) -> bool {
    let codes = [RefusalCode::UnsupportedContainer, RefusalCode::Malformed];
    codes.contains(&refusal.code)
}

const CONTAINER: &str = "this is not a kind of file that sounds are taken from";
const CODEC: &str = "the sound is of a codec that is not decoded here";
const ENCRYPTED: &str = "the sound is encrypted (DRM)";

/// Whose a failure of ffprobe is: one that it reports itself is the file's.
fn blame(error: ToolError) -> ProbeError {
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
        let message = "the file cannot be read as a sound";
        (RefusalCode::Malformed, message)
    };
    Refusal::new(code, message).into()
}

/// What the headers say: the length in microseconds, where they do, and the rest.
fn headers(report: &Report, limits: &AudioLimits) -> Result<(Option<u64>, AudioProbe), Refusal> {
    let container = Container::of(&report.format.name)
        .ok_or_else(|| Refusal::new(RefusalCode::UnsupportedContainer, CONTAINER))?;
    if protected::by_tag(&report.streams) {
        return Err(Refusal::new(RefusalCode::Encrypted, ENCRYPTED));
    }
    let tracks = u64::try_from(report.streams.len()).unwrap_or(u64::MAX);
    at_most(
        RefusalCode::TooManyTracks,
        "the file has",
        (limits.tracks.into(), tracks),
        "tracks",
    )?;
    if report.streams.iter().any(is_film) {
        let message = "there are moving pictures in the file";
        return Err(Refusal::new(RefusalCode::HasVideo, message));
    }
    let stream = sound(&report.streams)?;
    let sample_rate = stream.sample_rate.as_deref();
    let sample_rate = sample_rate.and_then(|rate| rate.parse().ok());
    let (Some(channels @ 1..), Some(sample_rate @ 1..)) = (stream.channels, sample_rate) else {
        let message = "the sound has no channels, or no samples in a second";
        return Err(Refusal::new(RefusalCode::Malformed, message));
    };
    let said_us = micros(stream.duration.as_deref())
        .or_else(|| micros(report.format.duration.as_deref()))
        .and_then(|us| u64::try_from(us).ok());
    let probe = AudioProbe {
        container,
        stream: stream.index,
        codec: stream.codec_name.clone().unwrap_or_default(),
        channels,
        sample_rate,
        duration_us: 0,
        cover: report
            .streams
            .iter()
            .find(|stream| is_cover(stream))
            .map(|cover| cover.index),
        begins_at: None,
    };
    Ok((said_us, probe))
}

fn is_film(stream: &Stream) -> bool {
    let is = &stream.disposition;
    stream.codec_type.as_deref() == Some("video")
        && is.attached_pic + is.still_image + is.timed_thumbnails == 0
}

fn is_cover(stream: &Stream) -> bool {
    stream.codec_type.as_deref() == Some("video") && stream.disposition.attached_pic != 0
}

/// The first sound that can be decoded, the default one before others.
fn sound(streams: &[Stream]) -> Result<&Stream, Refusal> {
    let is_sound = |stream: &&Stream| stream.codec_type.as_deref() == Some("audio");
    let sounds: Vec<&Stream> = streams.iter().filter(is_sound).collect();
    if sounds.is_empty() {
        let message = "there is no sound in the file";
        return Err(Refusal::new(RefusalCode::NoSound, message));
    }
    let decodable = |stream: &&&Stream| {
        let codec = stream.codec_name.as_deref().unwrap_or_default();
        sound_decoder(codec).is_some()
    };
    let chosen = sounds
        .iter()
        .filter(decodable)
        .min_by_key(|stream| (stream.disposition.default == 0, stream.index));
    chosen
        .copied()
        .ok_or_else(|| Refusal::new(RefusalCode::UnsupportedCodec, CODEC))
}

/// Counts the packets of the sound.
async fn measure(
    tools: &Tools,
    source: &Source,
    folder: &Path,
    stream: u32,
    limits: &AudioLimits,
) -> Result<Facts, ProbeError> {
    let tool_limits = Limits {
        // A line a packet, of at most 100 bytes.
        output_bytes: limits.packets.saturating_mul(100),
        cpu_seconds: 600,
        wall: Duration::from_mins(30),
        ..limits_of_a_look()
    };
    let stream = stream.to_string();
    let shown = [&["-select_streams", &stream], packet::SHOWN].concat();
    let call = ToolCall::ffprobe(source, folder, tool_limits, &shown);
    let mut measured = Measured::new(limits.packets);
    let mut over = None;
    let read = tools.lines(&call, |line| {
        measured.take(line).map_err(|refusal| {
            over = Some(refusal);
            ToolError::Protocol("more packets than allowed")
        })
    });
    let read = read.await;
    if let Some(refusal) = over {
        return Err(refusal.into());
    }
    read.map_err(blame)?;
    Ok(measured.finish()?)
}
