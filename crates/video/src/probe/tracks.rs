//! Tracks beside the pictures, and chapters, as the headers tell of them.

use crate::probe::allowed;
use crate::probe::raw::{self, Stream};
use crate::probe::times::micros;
use crate::probe::types::{Chapter, SoundTrack, SubtitleTrack};

/// The most characters of a title that are kept.
const TITLE_CHARS: usize = 60;

/// The track of sound that `stream` is, if it can be decoded.
pub fn sound(stream: &Stream) -> Option<SoundTrack> {
    let codec = stream.codec_name.clone()?;
    let sample_rate = stream.sample_rate.as_deref()?.parse().ok()?;
    let channels = stream.channels?;
    let usable = stream.codec_type.as_deref() == Some("audio")
        && allowed::sound_decoder(&codec).is_some()
        && channels > 0
        && sample_rate > 0;
    usable.then(|| SoundTrack {
        index: stream.index,
        codec,
        channels,
        sample_rate,
        language: language(stream.tags.language.as_deref()),
        title: stream.tags.title.as_deref().and_then(title),
        default: stream.disposition.default != 0,
    })
}

/// The track of text that `stream` is, if it can be decoded.
pub fn subtitle(stream: &Stream) -> Option<SubtitleTrack> {
    let codec = stream.codec_name.clone()?;
    let usable = stream.codec_type.as_deref() == Some("subtitle")
        && allowed::subtitle_decoder(&codec).is_some();
    usable.then(|| SubtitleTrack {
        index: stream.index,
        codec,
        language: language(stream.tags.language.as_deref()),
        title: stream.tags.title.as_deref().and_then(title),
        default: stream.disposition.default != 0,
        forced: stream.disposition.forced != 0,
    })
}

fn language(code: Option<&str>) -> Option<String> {
    let code = code?.to_ascii_lowercase();
    let letters =
        (2..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase());
    (letters && code != "und").then_some(code)
}

/// A title without what would break out of a playlist's quotes.
fn title(text: &str) -> Option<String> {
    let kept = text
        .chars()
        .filter(|letter| !letter.is_control() && *letter != '"');
    let kept: String = kept.take(TITLE_CHARS).collect();
    let kept = kept.trim();
    (!kept.is_empty()).then(|| kept.to_owned())
}

/// A chapter, by the film's own clock.
pub fn chapter(found: &raw::Chapter, start_us: i64) -> Option<Chapter> {
    Some(Chapter {
        start_us: micros(found.start_time.as_deref())?.saturating_sub(start_us),
        end_us: micros(found.end_time.as_deref())?.saturating_sub(start_us),
    })
}
