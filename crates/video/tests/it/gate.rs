//! The gate lets good outputs through, and stops each kind of broken ones with the rule in question.

use std::collections::BTreeMap;
use std::io;

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
        let playlist = name.ends_with(".m3u8");
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

#[tokio::test]
async fn what_is_broken_does_not_come_through() {
    let (stored, plan) = good().await;
    let report = check(&stored, &plan);
    assert!(
        report.passed() && report.unchecked.is_empty(),
        "{:#?}",
        report.findings
    );
    let top = plan.rungs.last().unwrap().name.clone();
    let (index, keyframes) = (format!("{top}/index.m3u8"), format!("{top}/iframes.m3u8"));
    let (init, second) = (format!("{top}/init.mp4"), format!("{top}/00001.m4s"));
    let (third, master) = (format!("{top}/00002.m4s"), "master.m3u8");
    type Break<'a> = (&'a str, Rule, Box<dyn Fn(&mut Stored) + 'a>);
    let broken: Vec<Break<'_>> = vec![
        (
            "a segment is gone",
            Rule::Readable,
            Box::new(|all| drop(all.files.remove(&second))),
        ),
        (
            "a segment is cut",
            Rule::Readable,
            Box::new(|all| all.files.get_mut(&second).unwrap().truncate(900)),
        ),
        (
            "a playlist is a page",
            Rule::Readable,
            Box::new(|all| all.edit(&index, "#EXTM3U", "<html>")),
        ),
        (
            "two segments are swapped",
            Rule::Clock,
            Box::new(|all| all.swap(&second, &third)),
        ),
        (
            "a segment begins elsewhere",
            Rule::AlignedIdr,
            Box::new(|all| all.poke(&second, b"tfdt", 10, 99)),
        ),
        (
            "a segment begins without IDR",
            Rule::AlignedIdr,
            Box::new(|all| {
                let bytes = all.files.get_mut(&second).unwrap();
                let data = bytes.windows(4).position(|part| part == b"mdat").unwrap() + 4;
                for at in data..data + 4000 {
                    // The head of a slice of an IDR picture, and that of another slice.
                    if bytes[at..].starts_with(&[0x65, 0x88]) {
                        bytes[at] = 0x41;
                    }
                }
            }),
        ),
        (
            "a segment is left out",
            Rule::Duration,
            Box::new(|all| all.strike(&index, "00003.m4s")),
        ),
        (
            "a length is a lie",
            Rule::Duration,
            Box::new(|all| all.edit(&index, "EXTINF:2.000000", "EXTINF:1.900000")),
        ),
        (
            "a target is too short",
            Rule::SegmentLength,
            Box::new(|all| all.edit(&index, "DURATION:2", "DURATION:1")),
        ),
        (
            "no end",
            Rule::Complete,
            Box::new(|all| all.strike(&index, "ENDLIST")),
        ),
        (
            "no map",
            Rule::Complete,
            Box::new(|all| all.strike("sound-0/index.m3u8", "EXT-X-MAP")),
        ),
        (
            "not independent",
            Rule::Independent,
            Box::new(|all| {
                all.strike(master, "INDEPENDENT");
                all.strike(&index, "INDEPENDENT");
            }),
        ),
        (
            "another codec",
            Rule::Codecs,
            Box::new(|all| all.edit(master, "avc1.64", "avc1.42")),
        ),
        (
            "no codec of sound",
            Rule::Codecs,
            Box::new(|all| all.edit(master, ",mp4a.40.2", "")),
        ),
        (
            "another size",
            Rule::Picture,
            Box::new(|all| all.edit(master, "RESOLUTION=854x480", "RESOLUTION=1280x720")),
        ),
        (
            "another rate",
            Rule::Picture,
            Box::new(|all| all.edit(master, "FRAME-RATE=25", "FRAME-RATE=50")),
        ),
        (
            "bandwidth is too small",
            Rule::Bandwidth,
            Box::new(|all| all.edit(master, "BANDWIDTH=", "BANDWIDTH=1")),
        ),
        (
            "bandwidth is nothing",
            Rule::Bandwidth,
            Box::new(|all| all.edit(master, ",AVERAGE-BANDWIDTH=", ",X-AVERAGE=")),
        ),
        (
            "no group of sound",
            Rule::Sound,
            Box::new(|all| all.edit(master, ",AUDIO=\"sound\"", "")),
        ),
        (
            "sound without a name",
            Rule::Sound,
            Box::new(|all| all.edit(master, "NAME=\"Sound\"", "NAME=\"\"")),
        ),
        (
            "a profile for studios",
            Rule::Ladder,
            Box::new(|all| all.poke(&init, b"avcC", 1, 0xf4)),
        ),
        (
            "a rung is left out",
            Rule::Ladder,
            Box::new(|all| all.strike(master, &index)),
        ),
        (
            "no keyframes",
            Rule::Keyframes,
            Box::new(|all| all.strike(master, "I-FRAME-STREAM")),
        ),
        (
            "a range is too short",
            Rule::Keyframes,
            Box::new(|all| all.edit(&keyframes, "BYTERANGE:", "BYTERANGE:1")),
        ),
        (
            "a playlist is a text",
            Rule::Types,
            Box::new(|all| all.playlist_type = "text/plain"),
        ),
    ];
    for (what, rule, harm) in broken {
        let mut stored = stored.clone();
        harm(&mut stored);
        let report = check(&stored, &plan);
        let found: Vec<Rule> = report.broken().collect();
        assert!(
            found.contains(&rule),
            "{what}: {:#?}",
            report.findings
        );
        assert!(!report.passed());
    }
}
