//! Plans for films of many kinds.

use super::{Plan, PlanSettings, Task};
use crate::probe::{
    Colour, Container, Ratio, Rotation, SoundTrack, SubtitleTrack, Timing, VideoProbe, VideoTrack,
};

/// Ten minutes of 25 Hz.
pub(super) fn film(width: u32, height: u32) -> VideoProbe {
    let rate = Ratio::new(25, 1);
    VideoProbe {
        container: Container::Mov,
        size_bytes: 100_000_000,
        duration_us: 600_000_000,
        longest_us: 600_000_000,
        cut_short: false,
        video: VideoTrack {
            index: 0,
            codec: "h264".into(),
            width,
            height,
            pixel_aspect: Ratio { num: 1, den: 1 },
            rotation: Rotation::None,
            declared_rate: rate,
            average_rate: rate,
            duration_us: 600_000_000,
            last_us: 599_960_000,
            timing: Timing {
                frames: 15_000,
                median_us: 40_000,
                short_us: 40_000,
                longest_us: 40_000,
                varies: false,
            },
            pixel_format: "yuv420p".into(),
            bit_depth: 8,
            colour: Colour::default(),
            interlaced: false,
            keyframes: Vec::new(),
        },
        sounds: Vec::new(),
        subtitles: Vec::new(),
        chapters: Vec::new(),
    }
}

fn sound(index: u32, language: Option<&str>, default: bool) -> SoundTrack {
    SoundTrack {
        index,
        codec: "aac".into(),
        channels: 6,
        sample_rate: 48_000,
        language: language.map(str::to_owned),
        title: None,
        default,
    }
}

#[test]
fn chunks_cover_the_film_once_and_begin_at_segments() {
    for seconds in [1, 5, 6, 7, 61, 600, 3599] {
        let probe = VideoProbe {
            duration_us: seconds * 1_000_000 + 13_000,
            ..film(1920, 1080)
        };
        let plan = Plan::new(&probe, &PlanSettings::default());
        let mut next = (0, 0);
        for chunk in &plan.chunks {
            assert_eq!((chunk.first_segment, chunk.first_frame), next);
            assert_eq!(chunk.first_frame, chunk.first_segment * plan.segment_frames);
            assert!(chunk.frames > 0 && chunk.segments > 0);
            assert!(chunk.seek_us <= plan.time_us(chunk.first_frame));
            next = (next.0 + chunk.segments, next.1 + chunk.frames);
        }
        assert_eq!(next, (plan.segments(), plan.frames), "{seconds} s");
        assert_eq!(plan.frames, seconds * 25);
    }
}

#[test]
fn chunks_take_about_a_minute_of_one_core() {
    let full = Plan::new(&film(1920, 1080), &PlanSettings::default());
    // 3.2 million pixels of all rungs take 72 ms, and so do 830 pictures a minute.
    let frames: Vec<_> = full.chunks.iter().map(|chunk| chunk.frames).collect();
    assert!(
        frames.iter().all(|frames| (600..=900).contains(frames)),
        "{frames:?}"
    );
    let small = Plan::new(&film(320, 240), &PlanSettings::default());
    assert!(small.chunks.len() <= 1 + full.chunks.len() / 10);
}

#[test]
fn a_short_film_is_made_by_two_cores_unless_it_is_made_in_no_time() {
    for (width, height, expected) in [(1920, 1080, vec![150, 100]), (320, 240, vec![250])] {
        let mut clip = film(width, height);
        clip.duration_us = 10_000_000;
        let plan = Plan::new(&clip, &PlanSettings::default());
        let frames: Vec<_> = plan.chunks.iter().map(|chunk| chunk.frames).collect();
        assert_eq!(frames, expected);
    }
}

#[test]
fn what_cannot_be_cut_stays_whole() {
    let stream = VideoProbe {
        container: Container::MpegTs,
        ..film(1920, 1080)
    };
    assert_eq!(Plan::new(&stream, &PlanSettings::default()).chunks.len(), 1);
    let settings = PlanSettings {
        split: false,
        ..PlanSettings::default()
    };
    assert_eq!(Plan::new(&film(1920, 1080), &settings).chunks.len(), 1);
}

#[test]
fn segments_are_of_whole_pictures_near_six_seconds() {
    for (num, den, expected) in [
        (25, 1, 150),
        (24_000, 1001, 144),
        (30_000, 1001, 180),
        (8797, 1000, 53),
    ] {
        let mut probe = film(640, 360);
        let rate = Ratio::new(num, den).unwrap();
        probe.video.declared_rate = Some(rate);
        probe.video.timing.median_us = u64::from(den) * 1_000_000 / u64::from(num);
        let plan = Plan::new(&probe, &PlanSettings::default());
        assert_eq!((plan.frame_rate, plan.segment_frames), (rate, expected));
    }
}

#[test]
fn tracks_have_names_of_their_own_and_one_default() {
    let mut probe = film(640, 360);
    probe.sounds = vec![
        sound(1, Some("eng"), false),
        sound(2, None, true),
        sound(5, Some("eng"), true),
    ];
    let subtitle = SubtitleTrack {
        index: 7,
        codec: "mov_text".into(),
        language: None,
        title: None,
        default: false,
        forced: true,
    };
    probe.subtitles = vec![subtitle.clone(), subtitle];
    let plan = Plan::new(&probe, &PlanSettings::default());
    let names: Vec<_> = plan
        .sounds
        .iter()
        .map(|sound| (&*sound.name, sound.default))
        .collect();
    assert_eq!(names, [("eng", false), ("Sound", true), ("eng 2", false)]);
    let names: Vec<_> = plan
        .subtitles
        .iter()
        .map(|track| (&*track.name, track.default))
        .collect();
    assert_eq!(names, [("Subtitles", false), ("Subtitles 2", false)]);
    assert!(plan.tasks().contains(&Task::Sound(2)) && plan.tasks().contains(&Task::Subtitles(1)));
}

#[test]
fn a_plan_is_read_back_as_it_was_stored() {
    let plan = Plan::new(&film(1920, 1080), &PlanSettings::default());
    let stored = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&stored).unwrap(), plan);
}

#[test]
fn short_and_long_films_have_a_storyboard_of_bounded_size() {
    for (seconds, pictures) in [(0, 1), (1, 1), (90, 90), (7200, 200)] {
        let probe = VideoProbe {
            duration_us: seconds * 1_000_000,
            ..film(1080, 1920)
        };
        let board = Plan::new(&probe, &PlanSettings::default()).storyboard;
        assert_eq!(
            (board.pictures, board.width, board.height),
            (pictures, 90, 160)
        );
    }
}

#[test]
fn tasks_are_told_apart_by_what_they_take() {
    let mut probe = film(1920, 1080);
    probe.sounds = vec![sound(1, None, true)];
    let plan = Plan::new(&probe, &PlanSettings::default());
    let chunk = plan.cpu_seconds(Task::Chunk(0));
    assert!((45..=70).contains(&chunk), "{chunk}");
    assert!((15..=25).contains(&plan.cpu_seconds(Task::Sound(0))));
    assert!(plan.cpu_seconds(Task::Poster) < 10);
    // 15 000 pictures of 8 ms each, without keyframes that are near enough.
    assert!((110..=140).contains(&plan.cpu_seconds(Task::Storyboard)));
    assert!(plan.memory_bytes(2) > plan.memory_bytes(1));
}
