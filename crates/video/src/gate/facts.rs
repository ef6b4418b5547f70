//! What is there: playlists and segments, read and measured.

use std::collections::HashMap;

use crate::gate::kind::Kind;
use crate::gate::segment::{self, SegmentFacts};
use crate::gate::{Findings, Outputs, Rule};
use crate::hls::{MASTER, Master, MediaPlaylist, Part, Rates, read_master, read_media};
use crate::mp4::{Init, Media};

/// Everything that the rules look at.
pub struct Facts {
    pub master: Master,
    pub tracks: Vec<Track>,
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

    /// Seconds of a frame of AAC in it.
    pub fn sound_frame(&self) -> f64 {
        match self.init.as_ref().map(|init| init.media) {
            Some(Media::Audio { sample_rate, .. }) if sample_rate > 0 => {
                1024.0 / f64::from(sample_rate)
            }
            _ => 1024.0 / 48_000.0,
        }
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

/// Segments that were read, by file: playlists of keyframes lead to those of pictures once more.
type Known = HashMap<String, SegmentFacts>;

/// Reads everything. Variants are of kind `variant`. `None` when there is not even a multivariant playlist.
pub fn collect(outputs: &impl Outputs, variant: Kind, findings: &mut Findings) -> Option<Facts> {
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
    let variants = master.variants.iter().map(|part| (variant, part));
    let keyframes = master.keyframes.iter().map(|part| (Kind::Keyframes, part));
    let mut known = Known::new();
    let tracks = variants
        .chain(media)
        .chain(keyframes)
        .filter_map(|(kind, part)| track(outputs, kind, part, &mut known, findings))
        .collect();
    Some(Facts { master, tracks })
}

fn track(
    outputs: &impl Outputs,
    kind: Kind,
    part: &Part,
    known: &mut Known,
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
    let timescale = init.as_ref().map_or(1, |init| init.timescale);
    let mut segments = Vec::with_capacity(playlist.segments.len());
    for (declared, name, _) in &playlist.segments {
        let file = beside(name);
        let facts = match known.get(&file).filter(|_| kind == Kind::Keyframes) {
            Some(facts) => facts.clone(),
            None => segment(outputs, kind, &file, (*declared, timescale), findings)?,
        };
        known.insert(file, facts.clone());
        segments.push(SegmentFacts {
            declared: *declared,
            ..facts
        });
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

/// `times` are the seconds that the playlist names, and the clock of the initialisation.
fn segment(
    outputs: &impl Outputs,
    kind: Kind,
    file: &str,
    times: (f64, u32),
    findings: &mut Findings,
) -> Option<SegmentFacts> {
    let (declared, timescale) = times;
    let bytes = read(outputs, file, findings)?;
    let found = if kind == Kind::Subtitles {
        Ok(segment::text(file.to_owned(), &bytes, declared))
    } else {
        segment::media(file.to_owned(), &bytes, declared, timescale, kind)
    };
    if let Err(error) = &found {
        findings.demand(Rule::Readable, false, file, "a segment", error.to_string());
    }
    found.ok()
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
