//! `POST /v1/plans`: what would be made of a film, before anybody sends it.

use media::limits::Limits;
use poem::web::Data;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use video::encode::picture_size;
use video::plan::{Plan as VideoPlan, PlanSettings};
use video::probe::{Ratio, Rotation, Sketch, VideoProbe};

use crate::ApiState;
use crate::contract::Count;
use crate::http::auth::{Caller, FilesRead};
use crate::http::body::JsonBody;
use crate::http::problem::{Problem, Refused, Statuses};
use crate::v1::files::Tag;

/// The operation on plans.
#[derive(Debug, Clone, Copy)]
pub struct PlansApi;

/// What is asked about.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct PlanRequest {
    /// A film.
    pub video: Film,
}

/// The facts of a film that decide over its plan.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct Film {
    /// Width in pixels, as it is coded.
    #[oai(validator(minimum(value = "1"), maximum(value = "65535")))]
    pub width: i32,
    /// Height in pixels, as it is coded.
    #[oai(validator(minimum(value = "1"), maximum(value = "65535")))]
    pub height: i32,
    /// How long it plays, in seconds.
    #[oai(validator(minimum(value = "0.001"), maximum(value = "86400")))]
    pub duration_seconds: f64,
    /// Pictures in a second, as a whole number or a fraction such as `30000/1001`; 25 if it is left out.
    #[oai(validator(pattern = "^[1-9][0-9]{0,6}(/[1-9][0-9]{0,6})?$"), nullable)]
    pub frame_rate: Option<String>,
    /// The shape of a pixel, width to height, such as `4:3`; square if it is left out.
    #[oai(validator(pattern = "^[1-9][0-9]{0,4}:[1-9][0-9]{0,4}$"), nullable)]
    pub pixel_aspect: Option<String>,
    /// By how many degrees it is turned: 0, 90, 180 or 270.
    #[oai(validator(minimum(value = "0"), maximum(value = "270")), default)]
    pub rotation_degrees: i32,
    /// What the brightness of its pixels means.
    #[oai(default)]
    pub transfer: Transfer,
    /// Whether its pictures are of two fields each.
    #[oai(default)]
    pub interlaced: bool,
    /// The language of each track of sound, as ISO 639 has it; empty where it is unknown.
    #[oai(validator(max_items = 32, pattern = "^([a-z]{2,3})?$"), default)]
    pub audio_languages: Vec<String>,
    /// The language of each track of subtitles, as ISO 639 has it; empty where it is unknown.
    #[oai(validator(max_items = 32, pattern = "^([a-z]{2,3})?$"), default)]
    pub subtitle_languages: Vec<String>,
}

/// The transfer function of a film.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub enum Transfer {
    /// BT.709: not HDR.
    #[default]
    Sdr,
    /// SMPTE ST 2084, of HDR10.
    Pq,
    /// ARIB STD-B67.
    Hlg,
}

/// What would be made.
#[derive(Debug, Object)]
struct Plan {
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
struct Rendition {
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
struct Track {
    /// What it is chosen by.
    name: String,
    /// Its language, as ISO 639 has it. Absent: unknown.
    language: Option<String>,
    /// Whether it is played when nobody chose.
    default: bool,
}

/// The size of a picture.
#[derive(Debug, Object)]
struct Size {
    /// In pixels.
    width: u32,
    /// In pixels.
    height: u32,
}

/// Small pictures of the whole film.
#[derive(Debug, Object)]
struct Storyboard {
    /// How many there are.
    pictures: Count,
    /// Seconds between two of them.
    interval_seconds: f64,
    /// Width of each in pixels.
    width: u32,
    /// Height of each in pixels.
    height: u32,
}

#[derive(ApiResponse)]
enum Planned {
    /// What would be made.
    #[oai(status = 200)]
    Ok(JsonBody<Plan>),
}

struct PlanErrors;
impl Statuses for PlanErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 408, 413, 415, 422, 429, 500, 503];
}

#[OpenApi(prefix_path = "/v1/plans", tag = "Tag::Files")]
impl PlansApi {
    /// Plan a film
    ///
    /// What would be made of such a film, and in how many tasks, before anybody sends it. Nothing is stored.
    /// Needs the scope `files:read`.
    #[oai(path = "/", method = "post", operation_id = "createPlan")]
    #[expect(clippy::unused_async, reason = "the framework wants it")]
    async fn plan(
        &self,
        state: Data<&ApiState>,
        _caller: Caller<FilesRead>,
        body: JsonBody<PlanRequest>,
    ) -> Result<Planned, Refused<PlanErrors>> {
        let sketch = sketch(&state.config.limits, body.0.video)?;
        let probe = VideoProbe::sketched(&sketch);
        let plan = VideoPlan::new(&probe, &PlanSettings::default());
        Ok(Planned::Ok(JsonBody(Plan::of(&plan))))
    }
}

fn sketch(limits: &Limits, film: Film) -> Result<Sketch, Problem> {
    let side = |side: i32| u32::try_from(side).unwrap_or(1);
    let (width, height) = (side(film.width), side(film.height));
    let pixels = u64::from(width) * u64::from(height);
    if pixels > limits.max_video_pixels {
        let most = limits.max_video_pixels;
        let detail = format!("with the height makes {pixels} pixels; at most {most} are taken");
        return Err(Problem::field("/video/width", detail));
    }
    let most = limits.max_video_seconds;
    let duration = std::time::Duration::try_from_secs_f64(film.duration_seconds);
    let duration = duration
        .ok()
        .filter(|length| length.as_secs() < most.max(1));
    let Some(duration) = duration else {
        let detail = format!("must be less than {most} seconds, the longest that is taken");
        return Err(Problem::field("/video/duration_seconds", detail));
    };
    let ratio = |text: Option<String>, otherwise: Ratio| {
        text.map_or(Some(otherwise), |text| Ratio::parse(&text))
    };
    let twenty_five = Ratio { num: 25, den: 1 };
    let frame_rate = ratio(film.frame_rate, twenty_five)
        .ok_or_else(|| Problem::field("/video/frame_rate", "must be a fraction"))?;
    let pixel_aspect = ratio(film.pixel_aspect, Ratio { num: 1, den: 1 })
        .ok_or_else(|| Problem::field("/video/pixel_aspect", "must be a fraction"))?;
    let rotation = match film.rotation_degrees {
        0 => Rotation::None,
        90 | 270 => Rotation::Quarter,
        180 => Rotation::Half,
        _ => {
            let detail = "must be 0, 90, 180 or 270";
            return Err(Problem::field("/video/rotation_degrees", detail));
        }
    };
    let languages = |languages: Vec<String>| {
        let known = |language: String| Some(language).filter(|language| !language.is_empty());
        languages.into_iter().map(known).collect()
    };
    Ok(Sketch {
        width,
        height,
        pixel_aspect,
        rotation,
        frame_rate,
        duration_us: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
        transfer: match film.transfer {
            Transfer::Sdr => None,
            Transfer::Pq => Some("smpte2084".to_owned()),
            Transfer::Hlg => Some("arib-std-b67".to_owned()),
        },
        interlaced: film.interlaced,
        sounds: languages(film.audio_languages),
        subtitles: languages(film.subtitle_languages),
    })
}

impl Plan {
    fn of(plan: &VideoPlan) -> Self {
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
