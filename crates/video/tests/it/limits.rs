//! Each limit of films refuses with its code, what is allowed and what was found.

use video::probe::{RefusalCode, VideoLimits};

use crate::fixtures::{make, probe_within, refused};

/// The code, what is allowed and what is found, and how the limit is set.
type Case = (RefusalCode, (f64, f64), fn(&mut VideoLimits));

#[tokio::test]
async fn what_is_over_a_limit_is_refused_with_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let line =
        "-f lavfi -i testsrc2=s=64x36:r=50:d=3 -f lavfi -i sine=440:d=3 -c:v libx264 -c:a aac";
    let film = make(folder.path(), "film.mp4", line);
    let size = u32::try_from(std::fs::metadata(&film).unwrap().len()).unwrap();
    let cases: [Case; 7] = [
        (RefusalCode::TooLarge, (1000.0, size.into()), |limits| {
            limits.size_bytes = 1000;
        }),
        (RefusalCode::TooLong, (2.0, 3.0), |limits| {
            limits.duration_seconds = 2;
        }),
        (
            RefusalCode::TooManyPixels,
            (1000.0, 64.0 * 36.0),
            |limits| {
                limits.pixels = 1000;
            },
        ),
        (RefusalCode::TooSmall, (64.0, 36.0), |limits| {
            limits.min_side = 64;
        }),
        (RefusalCode::TooHighFrameRate, (30.0, 50.0), |limits| {
            limits.frame_rate = 30;
        }),
        (RefusalCode::TooManyTracks, (1.0, 2.0), |limits| {
            limits.tracks = 1;
        }),
        (RefusalCode::TooManyPackets, (100.0, 101.0), |limits| {
            limits.packets = 100;
        }),
    ];
    for (code, (limit, measured), set) in cases {
        let mut limits = VideoLimits::default();
        set(&mut limits);
        let refusal = refused(probe_within(&film, &limits).await);
        assert_eq!(refusal.code, code, "{refusal:?}");
        // Pictures end a little before the sound does or after it.
        let found = refusal.measured.unwrap();
        assert!((found - measured).abs() <= 1.0, "{refusal:?}");
        assert_eq!(refusal.limit, Some(limit), "{refusal:?}");
        let whole = found.trunc().to_string();
        assert!(refusal.message.contains(&whole), "{refusal:?}");
    }
}

#[tokio::test]
async fn hundreds_of_tracks_are_counted_and_refused() {
    let folder = tempfile::tempdir().unwrap();
    let sounds = " -map 1".repeat(120);
    let line = format!(
        "-f lavfi -i testsrc2=s=64x36:d=1 -f lavfi -i sine=440:d=1 -map 0{sounds} -c:v libx264 -c:a pcm_s16le"
    );
    let film = make(folder.path(), "film.mkv", &line);
    let refusal = refused(probe_within(&film, &VideoLimits::default()).await);
    assert_eq!(refusal.code, RefusalCode::TooManyTracks, "{refusal:?}");
    assert_eq!((refusal.limit, refusal.measured), (Some(50.0), Some(121.0)));
}
