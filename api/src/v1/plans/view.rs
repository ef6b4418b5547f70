//! A plan, as it is shown.

use poem_openapi::Object;
use video::encode::picture_size;
use video::plan::Plan as VideoPlan;

use crate::contract::Count;

/// What would be made.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Plan {
    /// The constant rate of all renditions, pictures in a second.
    frame_rate: String,
    /// Pictures of each rendition.
    frames: Count,
    /// Segments of each rendition.
    segments: Count,
    /// The sizes of the film, the smallest first.
    renditions: Vec<Rendition>,
    /// Its tracks of sound: AAC-LC in stereo, in a group of their own.
    audio: Vec<Track>,
    /// Its tracks of subtitles: `WebVTT`.
    subtitles: Vec<Track>,
    /// Which of its sizes is also made as one MP4, by its name. Absent: none.
    mp4: Option<String>,
    /// Its posters, the smallest first.
    posters: Vec<Size>,
    /// The small pictures for the seek bar.
    storyboard: Storyboard,
    /// Into how many pieces its encoding is cut, each of about a minute of one core.
    chunks: Count,
    /// Tasks that workers may do at once.
    tasks: Count,
    /// About how long all of them keep one core busy, in seconds.
    cpu_seconds: Count,
}

/// One size of the film.
#[derive(Debug, Object)]
pub struct Rendition {
    /// What it is called, such as `720p`.
    name: String,
    /// Width in pixels.
    width: u32,
    /// Height in pixels.
    height: u32,
    /// The most bits in a second.
    max_bits_per_second: u32,
}

/// A track that people choose.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Track {
    /// What it is chosen by.
    name: String,
    /// Its language, as ISO 639 has it. Absent: unknown.
    language: Option<String>,
    /// Whether it is played when nobody chose.
    default: bool,
}

/// The size of a picture.
#[derive(Debug, Object)]
pub struct Size {
    /// In pixels.
    width: u32,
    /// In pixels.
    height: u32,
}

/// Small pictures of the whole film.
#[derive(Debug, Object)]
pub struct Storyboard {
    /// How many there are.
    pictures: Count,
    /// Seconds between two of them.
    interval_seconds: f64,
    /// Width of each in pixels.
    width: u32,
    /// Height of each in pixels.
    height: u32,
}

impl Plan {
    /// The plan in words of the contract.
    pub fn of(plan: &VideoPlan) -> Self {
        let tasks = plan.tasks();
        let cpu_seconds: u64 = tasks.iter().map(|task| plan.cpu_seconds(*task)).sum();
        let renditions = plan.rungs.iter().map(|rung| Rendition {
            name: rung.name.clone(),
            width: rung.width,
            height: rung.height,
            max_bits_per_second: rung.max_bitrate,
        });
        let audio = plan.sounds.iter().map(|sound| Track {
            name: sound.name.clone(),
            language: sound.language.clone(),
            default: sound.default,
        });
        let subtitles = plan.subtitles.iter().map(|track| Track {
            name: track.name.clone(),
            language: track.language.clone(),
            default: track.default,
        });
        let posters = plan.poster_widths.iter().map(|&width| {
            let (width, height) = picture_size(plan, width);
            Size { width, height }
        });
        let board = plan.storyboard;
        Self {
            frame_rate: format!("{}/{}", plan.frame_rate.num, plan.frame_rate.den),
            frames: plan.frames.into(),
            segments: plan.segments().into(),
            renditions: renditions.collect(),
            audio: audio.collect(),
            subtitles: subtitles.collect(),
            mp4: plan.mp4.clone(),
            posters: posters.collect(),
            storyboard: Storyboard {
                pictures: board.pictures.into(),
                interval_seconds: std::time::Duration::from_micros(board.interval_us).as_secs_f64(),
                width: board.width,
                height: board.height,
            },
            chunks: (plan.chunks.len() as u64).into(),
            tasks: (tasks.len() as u64).into(),
            cpu_seconds: cpu_seconds.into(),
        }
    }
}
