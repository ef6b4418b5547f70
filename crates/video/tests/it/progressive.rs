//! The film in one file shows and sounds what the segments do, and can be played while it is fetched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use video::encode::Rendition;
use video::plan::PlanSettings;
use video::progressive::{Track, lay_out};

use crate::converted::{Converted, chopped, convert};
use crate::fixtures::{make, numbered, numbers, shown};

/// Puts the rung of the plan and all sounds together, as a worker does.
fn in_one_file(converted: &Converted) -> PathBuf {
    let (plan, film) = (&converted.plan, &converted.film);
    let mut rungs = film.rungs.iter();
    let rung = rungs.find(|rung| Some(&rung.name) == plan.mp4.as_ref());
    let mut renditions = vec![rung.unwrap()];
    let mut tracks = vec![track(converted, rung.unwrap(), None, true)];
    for (work, sound) in &film.sounds {
        renditions.push(sound);
        let language = work.language.clone();
        tracks.push(track(converted, sound, language, work.default));
    }
    let layout = lay_out(&tracks, plan.duration_us()).unwrap();
    let mut bytes = layout.head;
    for piece in layout.pieces {
        let rendition = renditions[piece.track];
        let number = rendition.segments[piece.segment].number;
        let segment = fs::read(converted.path(&rendition.segment_name(number))).unwrap();
        let range = usize::try_from(piece.range.start).unwrap()..;
        assert_eq!(piece.range.end, segment.len() as u64);
        bytes.extend(&segment[range]);
    }
    assert_eq!(bytes.len() as u64, layout.size_bytes);
    let path = converted.path("video.mp4");
    fs::write(&path, bytes).unwrap();
    path
}

fn track(
    converted: &Converted,
    rendition: &Rendition,
    language: Option<String>,
    default: bool,
) -> Track {
    let init = fs::read(converted.path(&rendition.init_name())).unwrap();
    let mut track = Track::new(init, language, default).unwrap();
    for segment in &rendition.segments {
        let whole = fs::read(converted.path(&rendition.segment_name(segment.number))).unwrap();
        let start = &whole[..usize::try_from(segment.first_picture_bytes).unwrap()];
        track.push(start, segment.bytes).unwrap();
    }
    track
}

/// Samples of a track of sound as numbers of 16 bits.
fn samples(path: &Path, track: u32) -> Vec<i16> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(path)
        .args(["-map", &format!("0:a:{track}"), "-f", "s16le", "-"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.is_empty(), "{told}");
    let pairs = output.stdout.chunks_exact(2);
    pairs
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect()
}

/// The kinds of the boxes of a file, one after the other.
fn boxes(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).unwrap();
    let (mut kinds, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        kinds.push(String::from_utf8_lossy(&bytes[at + 4..at + 8]).into_owned());
        at += match size {
            1 => usize::try_from(u64::from_be_bytes(
                bytes[at + 8..at + 16].try_into().unwrap(),
            ))
            .unwrap(),
            size => size,
        };
    }
    assert_eq!(at, bytes.len());
    kinds
}

fn with_mp4(side: u32, settings: PlanSettings) -> PlanSettings {
    PlanSettings {
        mp4_side: Some(side),
        ..settings
    }
}

/// A film of seven seconds with numbered pictures at `rate` and two sounds, cut as often as can be.
async fn two_languages(rate: &str, encoding: &str) -> (tempfile::TempDir, Converted, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let line = format!(
        "{} -f lavfi -i sine=440:d=7 -f lavfi -i sine=880:d=7 -map 0 -map 1 -map 2 \
         -metadata:s:a:0 language=deu -metadata:s:a:1 language=eng -disposition:a:1 default -disposition:a:0 0 \
         -c:v libx264 -preset veryfast {encoding} -c:a aac",
        numbered(rate, 7)
    );
    let film = make(folder.path(), "film.mp4", &line);
    let converted = convert(&film, &with_mp4(720, chopped())).await;
    let report = converted.report();
    assert!(report.passed(), "{:#?}", report.findings);
    let whole = in_one_file(&converted);
    (folder, converted, whole)
}

#[tokio::test]
async fn every_picture_and_every_sample_is_in_it() {
    for (rate, encoding, frames) in [
        ("25", "-bf 3", 175),
        ("30000/1001", "-bf 2 -g 37", 210),
        ("50", "-bf 0", 350),
    ] {
        let (_folder, converted, whole) = two_languages(rate, encoding).await;
        assert_eq!(numbers(&whole), (0..frames).collect::<Vec<_>>(), "{rate}");
        // The same pictures at the same distances, from zero on.
        let of = |path: &Path, start: f64| -> Vec<i64> {
            let times = shown(path, "frame=media_type,best_effort_timestamp_time");
            let times = times.iter().filter_map(|line| line.strip_prefix("video,"));
            #[expect(clippy::cast_possible_truncation, reason = "some seconds")]
            let of =
                |time: &str| ((time.parse::<f64>().unwrap() - start) * 10_000.0).round() as i64;
            times.map(of).collect()
        };
        assert_eq!(of(&whole, 0.0), of(&converted.top(), 10.0), "{rate}");
        for track in 0..2 {
            let name = format!("sound-{track}");
            // The encoder begins with a frame of silence, which is not heard. Its last frame is heard whole.
            let segments = samples(&converted.whole(&name), 0);
            let heard = samples(&whole, track);
            let length = usize::try_from(converted.plan.duration_us() * 48 / 1000 * 2).unwrap();
            assert!(
                (length..length + 2048).contains(&heard.len()),
                "{rate}: {} of {length}",
                heard.len()
            );
            assert_eq!(heard, segments[2048..2048 + heard.len()], "{rate}");
        }
    }
}

#[tokio::test]
async fn what_is_needed_to_play_stands_first_and_sounds_say_what_they_are() {
    let (_folder, converted, whole) = two_languages("25", "").await;
    assert_eq!(boxes(&whole), ["ftyp", "moov", "mdat"]);
    let streams = shown(
        &whole,
        "stream=codec_name,start_time,nb_frames:stream_disposition=default:stream_tags=language",
    );
    assert_eq!(
        streams,
        [
            "h264,0.000000,175,1,und",
            "aac,0.000000,330,0,deu",
            "aac,0.000000,330,1,eng"
        ]
    );
    assert_eq!(shown(&whole, "format=duration"), ["7.000000"]);
    // Every keyframe can be sought, and those are those of the segments.
    let keys = shown(&whole, "packet=codec_type,pts_time,flags");
    let keys: Vec<_> = keys
        .iter()
        .filter_map(|line| line.strip_prefix("video,")?.strip_suffix(",K_"))
        .collect();
    assert_eq!(keys, ["0.000000", "2.000000", "4.000000", "6.000000"]);
    assert_eq!(converted.plan.chunks.len(), 4);
}

#[tokio::test]
async fn a_silent_film_of_one_picture_has_a_file_and_others_have_the_size_that_fits() {
    let folder = tempfile::tempdir().unwrap();
    let one = make(
        folder.path(),
        "one.mp4",
        "-f lavfi -i testsrc2=s=64x64:r=25:d=0.04 -c:v libx264 -pix_fmt yuv420p",
    );
    let converted = convert(&one, &with_mp4(100, PlanSettings::default())).await;
    assert_eq!(
        shown(
            &in_one_file(&converted),
            "stream=codec_name,nb_frames,duration"
        ),
        ["h264,0.040000,1"]
    );
    let large = make(
        folder.path(),
        "large.mp4",
        "-f lavfi -i testsrc2=s=720x1280:r=25:d=1 -c:v libx264 -preset ultrafast -pix_fmt yuv420p",
    );
    for (side, name) in [(100, "360p"), (480, "360p"), (720, "720p"), (4320, "720p")] {
        let plan = convert(&large, &with_mp4(side, PlanSettings::default()))
            .await
            .plan;
        assert_eq!(plan.mp4.as_deref(), Some(name), "{side}");
    }
    let plan = convert(&large, &PlanSettings::default()).await.plan;
    assert_eq!(plan.mp4, None);
}

#[test]
fn what_is_no_segment_is_said_to_be_none() {
    for start in [
        &b""[..],
        b"\0\0\0\x08moof",
        b"\0\0\0\x10mdat\0\0\0\0\0\0\0\0",
        &[0xff; 64],
    ] {
        let init = include_bytes!("../../src/trial/film.mp4");
        // A film is no initialisation of segments, and may be read as one or not.
        if let Ok(mut track) = Track::new(init.to_vec(), None, true) {
            assert!(track.push(start, 100).is_err());
        }
    }
    assert!(Track::new(Vec::new(), None, true).is_err());
}
