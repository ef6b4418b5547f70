//! Each limit of films refuses with its code, what is allowed and what was found.

use video::probe::{RefusalCode, VideoLimits};

use crate::fixtures::{make, probe_within, refused};

#[tokio::test]
async fn what_is_over_a_limit_is_refused_with_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let line =
        "-f lavfi -i testsrc2=s=64x36:r=50:d=3 -f lavfi -i sine=440:d=3 -c:v libx264 -c:a aac";
    let film = make(folder.path(), "film.mp4", line);
    let size = std::fs::metadata(&film).unwrap().len();
    let usual = VideoLimits::default();
    let cases = [
        (
            RefusalCode::TooLarge,
            VideoLimits {
                size_bytes: 1000,
                ..usual.clone()
            },
            (1000, size),
        ),
        (
            RefusalCode::TooLong,
            VideoLimits {
                duration_seconds: 2,
                ..usual.clone()
            },
            (2, 3),
        ),
        (
            RefusalCode::TooManyPixels,
            VideoLimits {
                pixels: 1000,
                ..usual.clone()
            },
            (1000, 64 * 36),
        ),
        (
            RefusalCode::TooSmall,
            VideoLimits {
                min_side: 64,
                ..usual.clone()
            },
            (64, 36),
        ),
        (
            RefusalCode::TooHighFrameRate,
            VideoLimits {
                frame_rate: 30,
                ..usual.clone()
            },
            (30, 50),
        ),
        (
            RefusalCode::TooManyTracks,
            VideoLimits {
                tracks: 1,
                ..usual.clone()
            },
            (1, 2),
        ),
        (
            RefusalCode::TooManyPackets,
            VideoLimits {
                packets: 100,
                ..usual
            },
            (100, 101),
        ),
    ];
    for (code, limits, (limit, measured)) in cases {
        let refusal = refused(probe_within(&film, &limits).await);
        assert_eq!(refusal.code, code, "{refusal:?}");
        // Pictures end a little before the sound does or after it.
        let found = refusal.measured.unwrap();
        assert!(found.abs_diff(measured) <= 1, "{refusal:?}");
        assert_eq!(refusal.limit, Some(limit), "{refusal:?}");
        assert!(refusal.message.contains(&found.to_string()), "{refusal:?}");
    }
}
