//! What is there: playlists and segments, read and measured.

use crate::gate::{Findings, Outputs, Rule};
use crate::hls::{MASTER, Master, MediaPlaylist, Part, Rates, read_master, read_media};
use crate::mp4::{Boxes, Fragment, Init, Mp4Error};

/// Everything that the rules look at.
pub struct Facts {
    pub master: Master,
    pub tracks: Vec<Track>,
}

/// What a track is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Pictures,
    Keyframes,
    Sound,
    Subtitles,
}

/// A media playlist with what it leads to.
pub struct Track {
    pub kind: Kind,
    /// What the multivariant playlist says of it.
    pub part: Part,
    pub playlist: MediaPlaylist,
    /// `None` of subtitles.
    pub init: Option<Init>,
    pub segments: Vec<SegmentFacts>,
}

/// A segment as it was found.
pub struct SegmentFacts {
    pub file: String,
    pub bytes: u64,
    /// Seconds that the playlist names.
    pub declared: f64,
    /// Seconds that its samples stand.
    pub measured: f64,
    /// When its first sample is shown, in seconds of the clock.
    pub shown: f64,
    /// When its first sample is decoded, in ticks.
    pub decoded: u64,
    /// How long its samples stand, in ticks.
    pub ticks: u64,
    pub samples: u64,
    /// Its first sample is an IDR picture, or it is no picture.
    pub begins_with_idr: bool,
    /// There are IDR pictures after the first sample.
    pub more_keyframes: bool,
    /// Bytes from the start that hold the first sample.
    pub first_sample_end: u64,
}

impl Track {
    /// Bits in a second, as measured; of keyframes, of what their ranges hold.
    pub fn rates(&self, target: f64) -> Rates {
        let ranges = self.playlist.segments.iter().map(|(_, _, range)| *range);
        let bytes = |(segment, range): (&SegmentFacts, Option<crate::hls::Byterange>)| {
            (
                range.map_or(segment.bytes, |range| range.length),
                segment.measured,
            )
        };
        Rates::of(
            &self
                .segments
                .iter()
                .zip(ranges)
                .map(bytes)
                .collect::<Vec<_>>(),
            target,
        )
    }

    /// Seconds of all segments, as the playlist names them.
    pub fn declared(&self) -> f64 {
        self.segments.iter().map(|segment| segment.declared).sum()
    }

    /// Seconds of all segments, as measured.
    pub fn measured(&self) -> f64 {
        self.segments.iter().map(|segment| segment.measured).sum()
    }
}

impl Facts {
    /// The tracks of one kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Track> {
        self.tracks.iter().filter(move |track| track.kind == kind)
    }
}

/// Reads everything. `None` when there is not even a multivariant playlist.
pub fn collect(outputs: &impl Outputs, findings: &mut Findings) -> Option<Facts> {
    let text = read_text(outputs, MASTER, findings)?;
    let master = match read_master(&text) {
        Ok(master) => master,
        Err(error) => {
            findings.demand(
                Rule::Readable,
                false,
                MASTER,
                "a playlist",
                error.to_string(),
            );
            return None;
        }
    };
    let media = master.media.iter().map(|part| {
        let subtitles = part
            .attributes
            .get("TYPE")
            .is_some_and(|kind| kind == "SUBTITLES");
        (
            if subtitles {
                Kind::Subtitles
            } else {
                Kind::Sound
            },
            part,
        )
    });
    let variants = master.variants.iter().map(|part| (Kind::Pictures, part));
    let keyframes = master.keyframes.iter().map(|part| (Kind::Keyframes, part));
    let tracks = variants
        .chain(media)
        .chain(keyframes)
        .filter_map(|(kind, part)| track(outputs, kind, part, findings))
        .collect();
    Some(Facts { master, tracks })
}

fn track(
    outputs: &impl Outputs,
    kind: Kind,
    part: &Part,
    findings: &mut Findings,
) -> Option<Track> {
    let text = read_text(outputs, &part.uri, findings)?;
    let playlist = match read_media(&text) {
        Ok(playlist) => playlist,
        Err(error) => {
            findings.demand(
                Rule::Readable,
                false,
                &part.uri,
                "a playlist",
                error.to_string(),
            );
            return None;
        }
    };
    let folder = part.uri.rsplit_once('/').map_or("", |(folder, _)| folder);
    let beside = |name: &str| {
        if folder.is_empty() {
            name.to_owned()
        } else {
            format!("{folder}/{name}")
        }
    };
    let init = match &playlist.map {
        Some(map) => init(outputs, &beside(map), findings),
        None => None,
    };
    let mut segments = Vec::with_capacity(playlist.segments.len());
    for (declared, name, _) in &playlist.segments {
        let file = beside(name);
        let bytes = read(outputs, &file, findings)?;
        let found = if kind == Kind::Subtitles {
            Ok(text_segment(file.clone(), &bytes, *declared))
        } else {
            let timescale = init.as_ref().map_or(1, |init| init.timescale);
            segment(file.clone(), &bytes, *declared, timescale, kind)
        };
        match found {
            Ok(found) => segments.push(found),
            Err(error) => {
                findings.demand(Rule::Readable, false, &file, "a segment", error.to_string());
                return None;
            }
        }
    }
    let part = part.clone();
    Some(Track {
        kind,
        part,
        playlist,
        init,
        segments,
    })
}

fn init(outputs: &impl Outputs, name: &str, findings: &mut Findings) -> Option<Init> {
    let bytes = read(outputs, name, findings)?;
    let init = Init::read(&bytes);
    if let Err(error) = &init {
        findings.demand(
            Rule::Readable,
            false,
            name,
            "an initialisation",
            error.to_string(),
        );
    }
    init.ok()
}

fn text_segment(file: String, bytes: &[u8], declared: f64) -> SegmentFacts {
    SegmentFacts {
        file,
        bytes: bytes.len() as u64,
        declared,
        measured: declared,
        shown: 0.0,
        decoded: 0,
        ticks: 0,
        samples: 0,
        begins_with_idr: bytes.starts_with(b"WEBVTT"),
        more_keyframes: false,
        first_sample_end: 0,
    }
}

fn segment(
    file: String,
    bytes: &[u8],
    declared: f64,
    timescale: u32,
    kind: Kind,
) -> Result<SegmentFacts, Mp4Error> {
    let (mut fragment, mut data, mut first_sample) = (None, None, 0);
    for found in Boxes(bytes) {
        match found? {
            (kind, moof) if kind == *b"moof" && fragment.is_none() => {
                fragment = Some(Fragment::read(moof)?);
            }
            (kind, mdat) if kind == *b"mdat" && data.is_none() => {
                data = Some(mdat);
                first_sample = mdat.as_ptr() as usize - bytes.as_ptr() as usize;
            }
            (kind, _) if kind == *b"moof" || kind == *b"mdat" => {
                return Err(Mp4Error("more than one fragment"));
            }
            _ => {}
        }
    }
    let fragment = fragment.ok_or(Mp4Error("no times"))?;
    let data = data.ok_or(Mp4Error("no data"))?;
    let sizes: u64 = fragment
        .samples
        .iter()
        .map(|sample| u64::from(sample.size))
        .sum();
    if sizes != data.len() as u64 {
        return Err(Mp4Error("samples that do not fill their data"));
    }
    let size = fragment.samples[0].size;
    let first = data.get(..size as usize).unwrap_or_default();
    let shown = fragment
        .first_shown()
        .ok_or(Mp4Error("a time below zero"))?;
    let pictures = kind != Kind::Sound;
    Ok(SegmentFacts {
        file,
        bytes: bytes.len() as u64,
        declared,
        measured: seconds(fragment.duration(), timescale),
        shown: seconds(shown, timescale),
        decoded: fragment.decode_time,
        ticks: fragment.duration(),
        samples: fragment.samples.len() as u64,
        begins_with_idr: !pictures || (fragment.samples[0].sync && has_idr(first)),
        more_keyframes: pictures && fragment.samples[1..].iter().any(|sample| sample.sync),
        first_sample_end: first_sample as u64 + u64::from(size),
    })
}

/// Whether a sample of H.264 has a slice of an IDR picture: units with a length of four bytes before
/// each, of which the kind 5 is that.
fn has_idr(mut sample: &[u8]) -> bool {
    while let Some((length, rest)) = sample.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        if rest.first().is_some_and(|byte| byte & 0x1f == 5) {
            return true;
        }
        sample = rest.get(length..).unwrap_or_default();
    }
    false
}

fn read(outputs: &impl Outputs, name: &str, findings: &mut Findings) -> Option<Vec<u8>> {
    let bytes = outputs.read(name);
    if let Err(error) = &bytes {
        findings.demand(Rule::Readable, false, name, "a file", error.to_string());
    }
    bytes.ok()
}

fn read_text(outputs: &impl Outputs, name: &str, findings: &mut Findings) -> Option<String> {
    let bytes = read(outputs, name, findings)?;
    let text = String::from_utf8(bytes);
    if text.is_err() {
        findings.demand(Rule::Readable, false, name, "a text", "bytes that are none");
    }
    text.ok()
}

#[expect(clippy::cast_precision_loss, reason = "ticks of some hours")]
pub fn seconds(ticks: u64, timescale: u32) -> f64 {
    ticks as f64 / f64::from(timescale)
}
