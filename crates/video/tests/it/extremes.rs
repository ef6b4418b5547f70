//! Films that are odd but honest come through, and those that lie are refused.

use std::path::Path;

use video::plan::PlanSettings;
use video::probe::RefusalCode;

use crate::converted::{chopped, convert};
use crate::fixtures::{make, numbered, numbers, probe, refused, shown};

/// Converts what `line` makes; returns the rate and the number of pictures of the largest rung.
async fn made(folder: &Path, name: &str, line: &str) -> (f64, usize) {
    let film = make(folder, name, line);
    let converted = convert(&film, &PlanSettings::default()).await;
    let report = converted.report();
    assert!(report.passed(), "{name}: {:#?}", report.findings);
    let packets = shown(&converted.top(), "packet=pts").len();
    (converted.plan.frame_rate.value(), packets)
}

#[tokio::test]
async fn odd_films_come_through() {
    let folder = tempfile::tempdir().unwrap();
    let encoding = "-c:v libx264 -preset ultrafast";
    for (name, picture, rate, frames) in [
        (
            "one-picture.mp4",
            "testsrc2=s=64x36:r=25:d=0.04",
            25.0,
            1..=1,
        ),
        ("slides.mkv", "testsrc2=s=64x36:r=0.1:d=30", 5.0, 148..=152),
        ("too-fast.mp4", "testsrc2=s=64x36:r=240:d=1", 60.0, 60..=60),
        ("ribbon.mp4", "testsrc2=s=4096x32:r=25:d=1", 25.0, 25..=25),
        (
            "odd-sides.mkv",
            "testsrc2=s=65x37:r=25:d=1,format=yuv444p",
            25.0,
            25..=25,
        ),
        ("odd-rate.mp4", "testsrc2=s=64x36:r=17.3:d=2", 17.3, 34..=36),
    ] {
        let line = format!("-f lavfi -i {picture} {encoding}");
        let (found, pictures) = made(folder.path(), name, &line).await;
        assert!((found - rate).abs() < 0.01, "{name}: {found} Hz");
        assert!(frames.contains(&pictures), "{name}: {pictures} pictures");
    }
}

#[tokio::test]
async fn too_many_pictures_in_a_second_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-f lavfi -i testsrc2=s=64x36:r=1000:d=2 -c:v libx264 -preset ultrafast";
    let refusal = refused(probe(&make(folder.path(), "film.mp4", line)).await);
    assert_eq!(
        (refusal.code, refusal.limit),
        (RefusalCode::TooHighFrameRate, Some(300.0))
    );
}

#[tokio::test]
async fn clocks_that_jump_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-f lavfi -i testsrc2=s=64x36:r=25:d=4 -c:v mpeg2video";
    let late = format!("{line} -output_ts_offset 7200");
    let (early, late) = (
        make(folder.path(), "a.ts", line),
        make(folder.path(), "b.ts", &late),
    );
    let (early, late) = (std::fs::read(early).unwrap(), std::fs::read(late).unwrap());
    for (name, halves) in [("forth", [&early, &late]), ("back", [&late, &early])] {
        let film = folder.path().join(name);
        std::fs::write(&film, halves.map(|half| &**half).concat()).unwrap();
        let code = refused(probe(&film).await).code;
        assert_eq!(code, RefusalCode::BrokenTimestamps, "{name}");
    }
}

#[tokio::test]
async fn a_header_that_promises_a_day_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-f lavfi -i testsrc2=s=64x36:r=25:d=3 -c:v libx264 -preset ultrafast";
    let film = make(folder.path(), "film.mkv", line);
    let mut bytes = std::fs::read(&film).unwrap();
    // The length in the header: a floating number of eight bytes, in milliseconds.
    let at = bytes
        .windows(3)
        .position(|part| part == [0x44, 0x89, 0x88])
        .unwrap()
        + 3;
    bytes[at..at + 8].copy_from_slice(&86_400_000_f64.to_be_bytes());
    std::fs::write(&film, bytes).unwrap();
    let refusal = refused(probe(&film).await);
    assert_eq!(refusal.code, RefusalCode::DurationMismatch, "{refusal:?}");
    assert_eq!(
        (refusal.limit, refusal.measured),
        (Some(86_400.0), Some(3.0))
    );
}

#[tokio::test]
async fn a_film_that_begins_at_another_time_is_counted_from_its_start() {
    let folder = tempfile::tempdir().unwrap();
    // A stream that was recorded in the middle of a day, and its copy in a container with an index.
    let line = format!(
        "{} -c:v libx264 -preset ultrafast -crf 20 -g 40",
        numbered("25", 6)
    );
    let stream = make(
        folder.path(),
        "film.ts",
        &format!("{line} -output_ts_offset 40000"),
    );
    let copy = format!(
        "-copyts -i {} -c copy -avoid_negative_ts disabled",
        stream.display()
    );
    let copy = make(folder.path(), "film.mkv", &copy);
    for film in [stream, copy] {
        let converted = convert(&film, &chopped()).await;
        assert!(
            converted.report().passed(),
            "{:#?}",
            converted.report().findings
        );
        assert_eq!(
            numbers(&converted.top()),
            (0..150).collect::<Vec<_>>(),
            "{}",
            film.display()
        );
    }
}

#[tokio::test]
async fn another_player_plays_every_rendition_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!(
        "{} -f lavfi -i sine=440:d=7 -vf scale=854:480,setsar=1 -c:v libx264 -preset ultrafast -c:a aac",
        numbered("25", 7)
    );
    let converted = convert(&make(folder.path(), "film.mp4", &line), &chopped()).await;
    let packets = shown(&converted.path("master.m3u8"), "packet=stream_index");
    let of = |stream: &str| packets.iter().filter(|found| *found == stream).count();
    let mut counts = ["0", "1", "2"].map(of);
    counts.sort_unstable();
    // Two rungs of 175 pictures; 7 s of sound are 328.1 frames, and one of silence before.
    assert_eq!(counts, [175, 175, 330], "{counts:?}");
}

#[tokio::test]
async fn a_film_plays_on_while_there_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    for (name, codec) in [("film.mp4", "aac"), ("film.mkv", "flac")] {
        let line = format!(
            "{} -f lavfi -i sine=440:d=9 -c:v libx264 -preset ultrafast -crf 20 -g 25 -c:a {codec}",
            numbered("25", 3)
        );
        // In pieces of two seconds, three of which have no picture of their own.
        let converted = convert(&make(folder.path(), name, &line), &chopped()).await;
        let report = converted.report();
        assert!(report.passed(), "{name}: {:#?}", report.findings);
        let expected: Vec<u32> = (0..225).map(|frame| frame.min(74)).collect();
        assert_eq!(numbers(&converted.top()), expected, "{name}");
        let packets = shown(&converted.whole("sound-0"), "packet=pts").len();
        // 9 s are 421.9 frames, and one of silence before.
        assert!((422..=424).contains(&packets), "{name}: {packets}");
    }
}

#[tokio::test]
async fn subtitles_that_go_on_after_the_film_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let subtitles = folder.path().join("s.srt");
    let text =
        "1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\n00:00:20,000 --> 00:00:21,000\nGone\n";
    std::fs::write(&subtitles, text).unwrap();
    let line = format!(
        "-f lavfi -i testsrc2=s=64x36:r=25:d=3 -i {} -c:v libx264 -preset ultrafast -c:s srt",
        subtitles.display()
    );
    let converted = convert(&make(folder.path(), "film.mkv", &line), &chopped()).await;
    assert!(converted.report().passed());
    assert_eq!(converted.plan.frames, 75);
}

#[tokio::test]
async fn a_film_that_is_cut_off_is_known_by_its_structure() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-f lavfi -i testsrc2=s=64x36:r=25:d=8 -g 25";
    for (name, codec) in [
        ("film.avi", "-c:v mpeg4"),
        ("film.mkv", "-c:v libx264 -preset ultrafast"),
        (
            "film.mp4",
            "-c:v libx264 -preset ultrafast -movflags +faststart",
        ),
    ] {
        let film = make(folder.path(), name, &format!("{line} {codec}"));
        assert!(!probe(&film).await.unwrap().cut_short, "{name}");
        let bytes = std::fs::read(&film).unwrap();
        std::fs::write(&film, &bytes[..bytes.len() * 95 / 100]).unwrap();
        assert!(probe(&film).await.unwrap().cut_short, "{name}");
        std::fs::write(&film, &bytes[..bytes.len() / 2]).unwrap();
        let refusal = refused(probe(&film).await);
        assert_eq!(
            refusal.code,
            RefusalCode::DurationMismatch,
            "{name}: {refusal:?}"
        );
    }
}
