//! Chunks that were encoded apart fit together: no picture is lost, none is shown twice.

use video::plan::PlanSettings;

use crate::converted::{chopped, convert};
use crate::fixtures::{make, numbered, numbers, shown};

/// Converts in chunks and in one piece; both must show the same pictures at the same times.
async fn same_in_chunks(rate: &str, encoding: &str, name: &str) -> Vec<u32> {
    let folder = tempfile::tempdir().unwrap();
    let film = make(
        folder.path(),
        name,
        &format!("{} {encoding}", numbered(rate, 12)),
    );
    let chunked = convert(&film, &chopped()).await;
    assert!(chunked.plan.chunks.len() >= 5, "{:?}", chunked.plan.chunks);
    let settings = PlanSettings {
        split: false,
        ..chopped()
    };
    let whole = convert(&film, &settings).await;
    assert_eq!(whole.plan.chunks.len(), 1);
    for converted in [&chunked, &whole] {
        let report = converted.report();
        assert!(report.passed(), "{:#?}", report.findings);
    }
    let (in_chunks, in_one) = (chunked.top(), whole.top());
    let times = "packet=pts,duration";
    assert_eq!(shown(&in_chunks, times), shown(&in_one, times));
    let seen = numbers(&in_chunks);
    assert_eq!(seen, numbers(&in_one));
    seen
}

#[tokio::test]
async fn every_picture_is_shown_once() {
    let encoding = "-c:v libx264 -preset ultrafast -crf 20 -g 37 -bf 2";
    let seen = same_in_chunks("25", encoding, "film.mp4").await;
    assert_eq!(seen, (0..300).collect::<Vec<_>>());
}

#[tokio::test]
async fn every_picture_is_shown_once_where_groups_are_open() {
    let encoding = "-c:v libx264 -preset veryfast -crf 20 -g 50 -bf 3 -x264-params open-gop=1";
    let seen = same_in_chunks("30000/1001", encoding, "film.mkv").await;
    assert_eq!(seen, (0..360).collect::<Vec<_>>());
}

#[tokio::test]
async fn pauses_of_a_screen_recording_stand_still_across_seams() {
    // Of every 50 pictures only some are there: gaps of more than a second.
    let encoding =
        "-vf select='lt(mod(n,50),20)' -fps_mode vfr -c:v libx264 -preset ultrafast -crf 20 -g 90";
    let seen = same_in_chunks("30", encoding, "film.mkv").await;
    assert!(seen.is_sorted(), "{seen:?}");
    let there = (0..360).filter(|number| number % 50 < 20);
    for number in there {
        assert!(seen.contains(&number), "{number} is lost");
    }
}

#[tokio::test]
async fn sound_is_as_long_as_the_pictures_and_begins_with_them() {
    let folder = tempfile::tempdir().unwrap();
    // A second of sound that starts late and ends early.
    let line = format!(
        "{} -f lavfi -itsoffset 1.5 -i sine=440:d=1 -c:v libx264 -preset ultrafast -c:a aac",
        numbered("25", 5)
    );
    let film = make(folder.path(), "film.mp4", &line);
    let converted = convert(&film, &chopped()).await;
    let report = converted.report();
    assert!(report.passed(), "{:#?}", report.findings);
    let packets = shown(&converted.whole("sound-0"), "packet=duration_time").len();
    // 5 s are 234.4 frames, and the encoder begins with one of silence.
    assert_eq!(packets, 236);
}
