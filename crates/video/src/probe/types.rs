//! The facts about a film.

use serde::{Deserialize, Serialize};

use crate::exec::Allowed;
use crate::probe::allowed::{self, Container};

/// A fraction, such as a frame rate in Hz or the shape of a pixel. Never zero, never endless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ratio {
    /// Above the line.
    pub num: u32,
    /// Below the line.
    pub den: u32,
}

impl Ratio {
    /// `num`/`den`, or `None` if either is zero.
    pub const fn new(num: u32, den: u32) -> Option<Self> {
        if num == 0 || den == 0 {
            return None;
        }
        Some(Self { num, den })
    }

    /// As a number.
    pub fn value(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// Reads `30000/1001` or `4:3`.
    pub fn parse(text: &str) -> Option<Self> {
        let (num, den) = text.split_once(['/', ':'])?;
        Self::new(num.parse().ok()?, den.parse().ok()?)
    }
}

/// How far a picture is turned clockwise to be upright.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// Not at all.
    #[default]
    None,
    /// By 90 degrees, either way: width and height change places.
    Quarter,
    /// By 180 degrees.
    Half,
}

/// What the numbers of a pixel mean, by ffmpeg's names; `None` where the film does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colour {
    /// Transfer, as `bt709`, `smpte2084` or `arib-std-b67`.
    pub transfer: Option<String>,
    /// Primaries, as `bt709` or `bt2020`.
    pub primaries: Option<String>,
    /// Matrix, as `bt709` or `bt2020nc`.
    pub matrix: Option<String>,
}

/// A picture that can be decoded without those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keyframe {
    /// When it is shown, in microseconds from the film's start.
    pub at_us: i64,
    /// Where it is in the file, in bytes; `None` where the container does not tell.
    pub position: Option<u64>,
}

/// When pictures are shown, as measured from the packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Pictures.
    pub frames: u64,
    /// The interval in the middle when all are sorted, in microseconds; zero for a single picture.
    pub median_us: u64,
    /// The interval that one in twenty is shorter than, in microseconds.
    pub short_us: u64,
    /// The longest, in microseconds.
    pub longest_us: u64,
    /// Whether more than one in twenty differs from the median by a quarter.
    pub varies: bool,
}

/// The track of pictures that is the film.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoTrack {
    /// Which stream of the file, from zero.
    pub index: u32,
    /// ffmpeg's name of the codec.
    pub codec: String,
    /// Width as decoded, in pixels.
    pub width: u32,
    /// Height as decoded, in pixels.
    pub height: u32,
    /// The shape of a pixel, width to height.
    pub pixel_aspect: Ratio,
    /// How it is turned.
    pub rotation: Rotation,
    /// The rate that the container names, in Hz.
    pub declared_rate: Option<Ratio>,
    /// The average that the container gives, in Hz.
    pub average_rate: Option<Ratio>,
    /// From the film's start to the end of its last picture, in microseconds; measured.
    pub duration_us: u64,
    /// From the film's start to its last picture, in microseconds; measured.
    pub last_us: u64,
    /// Measured times.
    pub timing: Timing,
    /// ffmpeg's name of the layout of a pixel, as `yuv420p10le`.
    pub pixel_format: String,
    /// Bits of a sample.
    pub bit_depth: u8,
    /// What the numbers mean.
    pub colour: Colour,
    /// Two fields a picture.
    pub interlaced: bool,
    /// Keyframes, no two within a second.
    pub keyframes: Vec<Keyframe>,
}

impl VideoTrack {
    /// Width and height as shown: turned upright, pixels square.
    pub fn shown(&self) -> (f64, f64) {
        let width = f64::from(self.width) * self.pixel_aspect.value();
        let height = f64::from(self.height);
        match self.rotation {
            Rotation::Quarter => (height, width),
            Rotation::None | Rotation::Half => (width, height),
        }
    }
}

/// A track of sound that can be decoded and has some.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundTrack {
    /// Which stream of the file, from zero.
    pub index: u32,
    /// ffmpeg's name of the codec.
    pub codec: String,
    pub channels: u32,
    /// Samples in a second.
    pub sample_rate: u32,
    /// ISO 639 code of its language; `None` if unknown.
    pub language: Option<String>,
    /// Its title, cut to what a playlist can take.
    pub title: Option<String>,
    /// Played when nobody chose.
    pub default: bool,
}

/// A track of subtitles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtitleTrack {
    /// Which stream of the file, from zero.
    pub index: u32,
    /// ffmpeg's name of the codec.
    pub codec: String,
    /// ISO 639 code of its language; `None` if unknown.
    pub language: Option<String>,
    /// Its title, cut to what a playlist can take.
    pub title: Option<String>,
    /// Shown when nobody chose.
    pub default: bool,
    /// Shown also to those who want none: foreign speech, signs.
    pub forced: bool,
}

/// A chapter of the film, in seconds from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chapter {
    /// Where it starts, in microseconds from the film's start.
    pub start_us: i64,
    /// Where it ends, in microseconds from the film's start.
    pub end_us: i64,
}

/// All that is known about a film.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoProbe {
    /// What it comes in.
    pub container: Container,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// How long it plays, in microseconds: to the end of its last picture, or of its sound where that goes on, as in
    /// browsers. Measured.
    pub duration_us: u64,
    /// It ends before its structure says, and little of it is lost.
    pub cut_short: bool,
    /// To the end of its longest track of any kind, in microseconds. Measured.
    pub longest_us: u64,
    pub video: VideoTrack,
    /// The tracks of sound.
    pub sounds: Vec<SoundTrack>,
    /// The tracks of subtitles that are text.
    pub subtitles: Vec<SubtitleTrack>,
    pub chapters: Vec<Chapter>,
}

impl VideoProbe {
    /// What a tool may open that works on this film: its demuxer and the decoders of its tracks.
    pub fn allowed(&self) -> Allowed {
        let picture = allowed::picture_decoder(&self.video.codec);
        let sounds = self
            .sounds
            .iter()
            .map(|track| allowed::sound_decoder(&track.codec));
        let subtitles = self
            .subtitles
            .iter()
            .map(|track| allowed::subtitle_decoder(&track.codec));
        let mut decoders: Vec<String> = sounds
            .chain(subtitles)
            .chain([picture])
            .flatten()
            .map(str::to_owned)
            .collect();
        decoders.sort_unstable();
        decoders.dedup();
        Allowed {
            demuxers: vec![self.container.demuxer().to_owned()],
            decoders,
            begins_at: None,
        }
    }
}
