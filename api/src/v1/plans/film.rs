//! The facts of a film that nobody has sent yet.

use media::limits::Limits;
use poem_openapi::{Enum, Object};
use video::probe::{Ratio, Rotation, Sketch};

use crate::http::problem::Problem;

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

/// The film as it would be found, if it may be sent.
pub fn sketch(limits: &Limits, film: Film) -> Result<Sketch, Problem> {
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
