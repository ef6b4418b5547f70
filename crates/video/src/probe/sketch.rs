//! The facts of a film that nobody has sent yet, so that a plan can be made for it.

use crate::probe::allowed::Container;
use crate::probe::types::{
    Colour, Ratio, Rotation, SoundTrack, SubtitleTrack, Timing, VideoProbe, VideoTrack,
};

/// What decides over the plan of a film. The rest is as an MP4 of a camera has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    /// Width as decoded, in pixels; not zero.
    pub width: u32,
    /// Height as decoded, in pixels; not zero.
    pub height: u32,
    /// The shape of a pixel, width to height.
    pub pixel_aspect: Ratio,
    /// How it is turned.
    pub rotation: Rotation,
    /// Pictures in a second.
    pub frame_rate: Ratio,
    /// How long it plays, in microseconds.
    pub duration_us: u64,
    /// ffmpeg's name of the transfer, as `smpte2084`; `None` for BT.709.
    pub transfer: Option<String>,
    /// Two fields a picture.
    pub interlaced: bool,
    /// The languages of its tracks of sound, where they are known.
    pub sounds: Vec<Option<String>>,
    /// The languages of its subtitles, where they are known.
    pub subtitles: Vec<Option<String>>,
}

impl VideoProbe {
    /// What a probe would find in such a film.
    pub fn sketched(sketch: &Sketch) -> Self {
        let Sketch {
            frame_rate,
            duration_us,
            ..
        } = *sketch;
        let every_us = u64::from(frame_rate.den) * 1_000_000 / u64::from(frame_rate.num);
        let rate = Some(frame_rate);
        Self {
            container: Container::Mov,
            size_bytes: 0,
            duration_us,
            cut_short: false,
            longest_us: duration_us,
            video: VideoTrack {
                index: 0,
                codec: "h264".to_owned(),
                width: sketch.width,
                height: sketch.height,
                pixel_aspect: sketch.pixel_aspect,
                rotation: sketch.rotation,
                declared_rate: rate,
                average_rate: rate,
                duration_us,
                last_us: duration_us.saturating_sub(every_us),
                timing: Timing {
                    frames: (duration_us / every_us.max(1)).max(1),
                    median_us: every_us,
                    short_us: every_us,
                    longest_us: every_us,
                    varies: false,
                },
                pixel_format: "yuv420p".to_owned(),
                bit_depth: 8,
                colour: Colour {
                    transfer: sketch.transfer.clone(),
                    ..Colour::default()
                },
                interlaced: sketch.interlaced,
                keyframes: Vec::new(),
            },
            sounds: numbered(&sketch.sounds, 1, sound),
            subtitles: numbered(&sketch.subtitles, 1 + sketch.sounds.len(), subtitle),
            chapters: Vec::new(),
        }
    }
}

fn numbered<T>(
    languages: &[Option<String>],
    first: usize,
    track: fn(u32, Option<String>) -> T,
) -> Vec<T> {
    let numbers = first..;
    let tracks = numbers.zip(languages).map(|(number, language)| {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        track(number, language.clone())
    });
    tracks.collect()
}

fn sound(index: u32, language: Option<String>) -> SoundTrack {
    SoundTrack {
        index,
        codec: "aac".to_owned(),
        channels: 2,
        sample_rate: 48_000,
        language,
        title: None,
        default: false,
    }
}

fn subtitle(index: u32, language: Option<String>) -> SubtitleTrack {
    SubtitleTrack {
        index,
        codec: "mov_text".to_owned(),
        language,
        title: None,
        default: false,
        forced: false,
    }
}
