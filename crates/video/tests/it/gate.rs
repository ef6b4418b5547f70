//! The gate lets good outputs through, and stops each kind of broken ones with the rule in question.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use video::gate::{Outputs, Rule, check};
use video::plan::Plan;

use crate::converted::{chopped, convert};
use crate::fixtures::{make, numbered};

#[derive(Clone)]
struct Stored {
    files: BTreeMap<String, Vec<u8>>,
    playlist_type: &'static str,
}

impl Outputs for Stored {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.files
            .get(name)
            .cloned()
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn media_type(&self, name: &str) -> Option<String> {
        let playlist = Path::new(name)
            .extension()
            .is_some_and(|ending| ending == "m3u8");
        Some(
            if playlist {
                self.playlist_type
            } else {
                "video/mp4"
            }
            .to_owned(),
        )
    }
}

impl Stored {
    fn edit(&mut self, name: &str, from: &str, to: &str) {
        let text = String::from_utf8(self.files[name].clone()).unwrap();
        assert!(text.contains(from), "{name} has no {from:?}:\n{text}");
        self.files
            .insert(name.to_owned(), text.replace(from, to).into_bytes());
    }

    /// Removes the lines of `name` that contain `word`.
    fn strike(&mut self, name: &str, word: &str) {
        let text = String::from_utf8(self.files[name].clone()).unwrap();
        let kept: Vec<&str> = text.lines().filter(|line| !line.contains(word)).collect();
        assert!(
            kept.len() < text.lines().count(),
            "{name} has no {word:?}:\n{text}"
        );
        self.files
            .insert(name.to_owned(), (kept.join("\n") + "\n").into_bytes());
    }

    fn swap(&mut self, one: &str, other: &str) {
        let (first, second) = (self.files[one].clone(), self.files[other].clone());
        self.files.insert(one.to_owned(), second);
        self.files.insert(other.to_owned(), first);
    }

    /// Makes pictures that need no others look like some that do.
    fn without_idr(&mut self) {
        let bytes = self.files.get_mut(SECOND).unwrap();
        let data = bytes.windows(4).position(|part| part == b"mdat").unwrap() + 4;
        let end = bytes.len() - 1;
        for at in data..end.min(data + 4000) {
            // The head of a slice of an IDR picture, and that of another slice.
            if bytes[at..].starts_with(&[0x65, 0x88]) {
                bytes[at] = 0x41;
            }
        }
    }

    /// Changes the byte `at` after the letters `kind`.
    fn poke(&mut self, name: &str, kind: &[u8], at: usize, byte: u8) {
        let bytes = self.files.get_mut(name).unwrap();
        let found = bytes
            .windows(kind.len())
            .position(|part| part == kind)
            .unwrap();
        bytes[found + kind.len() + at] = byte;
    }
}

async fn good() -> (Stored, Plan) {
    let folder = tempfile::tempdir().unwrap();
    let line = format!(
        "{} -f lavfi -i sine=440:d=7 -vf scale=854:480,setsar=1 -c:v libx264 -preset ultrafast -c:a aac",
        numbered("25", 7)
    );
    let converted = convert(&make(folder.path(), "film.mp4", &line), &chopped()).await;
    let mut files = BTreeMap::new();
    for part in ["", "360p", "480p", "sound-0"] {
        for entry in std::fs::read_dir(converted.path(part))
            .into_iter()
            .flatten()
        {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path.file_name().unwrap().to_str().unwrap();
                let name = if part.is_empty() {
                    name.to_owned()
                } else {
                    format!("{part}/{name}")
                };
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let stored = Stored {
        files,
        playlist_type: "application/vnd.apple.mpegurl",
    };
    (stored, converted.plan)
}

/// What is done to outputs that are right, and the rule that must then be broken.
type Break = (&'static str, Rule, fn(&mut Stored));

const MASTER: &str = "master.m3u8";
const INDEX: &str = "480p/index.m3u8";
const KEYFRAMES: &str = "480p/iframes.m3u8";
const SOUND: &str = "sound-0/index.m3u8";
const INIT: &str = "480p/init.mp4";
const SECOND: &str = "480p/00001.m4s";
const THIRD: &str = "480p/00002.m4s";

const FILES: &[Break] = &[
    ("a segment is gone", Rule::Readable, |all| {
        drop(all.files.remove(SECOND));
    }),
    ("a segment is cut", Rule::Readable, |all| {
        all.files.get_mut(SECOND).unwrap().truncate(900);
    }),
    ("a playlist is a page", Rule::Readable, |all| {
        all.edit(INDEX, "#EXTM3U", "<html>");
    }),
    ("two segments are swapped", Rule::Clock, |all| {
        all.swap(SECOND, THIRD);
    }),
    ("a segment begins elsewhere", Rule::AlignedIdr, |all| {
        all.poke(SECOND, b"tfdt", 10, 99);
    }),
    (
        "a segment begins without IDR",
        Rule::AlignedIdr,
        Stored::without_idr,
    ),
    ("a profile for studios", Rule::Ladder, |all| {
        all.poke(INIT, b"avcC", 1, 0xf4);
    }),
    ("a playlist is a text", Rule::Types, |all| {
        all.playlist_type = "text/plain";
    }),
];

const PLAYLISTS: &[Break] = &[
    ("a segment is left out", Rule::Duration, |all| {
        all.strike(INDEX, "00003.m4s");
    }),
    ("a length is a lie", Rule::Duration, |all| {
        all.edit(INDEX, "INF:2.000000", "INF:1.900000");
    }),
    ("a target is too short", Rule::SegmentLength, |all| {
        all.edit(INDEX, "DURATION:2", "DURATION:1");
    }),
    ("no end", Rule::Complete, |all| all.strike(INDEX, "ENDLIST")),
    ("no map", Rule::Complete, |all| {
        all.strike(SOUND, "EXT-X-MAP");
    }),
    ("not independent", Rule::Independent, |all| {
        all.strike(MASTER, "INDEPENDENT");
        all.strike(INDEX, "INDEPENDENT");
    }),
    ("no keyframes", Rule::Keyframes, |all| {
        all.strike(MASTER, "I-FRAME-STREAM");
    }),
    ("a range is too short", Rule::Keyframes, |all| {
        all.edit(KEYFRAMES, "RANGE:", "RANGE:1");
    }),
];

const VARIANTS: &[Break] = &[
    ("another codec", Rule::Codecs, |all| {
        all.edit(MASTER, "avc1.64", "avc1.42");
    }),
    ("no codec of sound", Rule::Codecs, |all| {
        all.edit(MASTER, ",mp4a.40.2", "");
    }),
    ("another size", Rule::Picture, |all| {
        all.edit(MASTER, "854x480", "1280x720");
    }),
    ("another rate", Rule::Picture, |all| {
        all.edit(MASTER, "RATE=25", "RATE=50");
    }),
    ("a wrong bandwidth", Rule::Bandwidth, |all| {
        all.edit(MASTER, "BANDWIDTH=", "BANDWIDTH=1");
    }),
    ("no average", Rule::Bandwidth, |all| {
        all.edit(MASTER, ",AVERAGE-BANDWIDTH=", ",X-AVERAGE=");
    }),
    ("no group of sound", Rule::Sound, |all| {
        all.edit(MASTER, ",AUDIO=\"sound\"", "");
    }),
    ("sound without a name", Rule::Sound, |all| {
        all.edit(MASTER, "NAME=\"Sound\"", "NAME=\"\"");
    }),
    ("a rung is left out", Rule::Ladder, |all| {
        all.strike(MASTER, INDEX);
    }),
];

#[tokio::test]
async fn what_is_broken_does_not_come_through() {
    let (stored, plan) = good().await;
    let report = check(&stored, &plan);
    assert!(
        report.passed() && report.unchecked.is_empty(),
        "{:#?}",
        report.findings
    );
    for (what, rule, harm) in [FILES, PLAYLISTS, VARIANTS].concat() {
        let mut stored = stored.clone();
        harm(&mut stored);
        let report = check(&stored, &plan);
        let found: Vec<Rule> = report.broken().collect();
        assert!(found.contains(&rule), "{what}: {:#?}", report.findings);
        assert!(!report.passed());
    }
}
