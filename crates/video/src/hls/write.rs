//! Writes playlists.

use std::fmt::Write;

use crate::encode::{Made, Rendition, segment_file, subtitles_folder};
use crate::hls::measure::Rates;
use crate::hls::{INDEX, KEYFRAMES, MASTER, language::tag};
use crate::mp4::Media;
use crate::plan::{Plan, SoundWork, SubtitleWork, Task};

/// Bits in a second at which players begin, if there is a choice (Apple's rule 1.32).
const FIRST_CHOICE: u64 = 2_000_000;

/// All that was made of a film, in the order of the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Film {
    /// The rungs, each whole.
    pub rungs: Vec<Rendition>,
    /// The tracks of sound.
    pub sounds: Vec<(SoundWork, Rendition)>,
    /// The tracks of subtitles.
    pub subtitles: Vec<Subtitles>,
}

/// A track of subtitles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subtitles {
    /// What it is.
    pub work: SubtitleWork,
    /// The folder of its segments.
    pub folder: String,
    /// Sizes of its segments in bytes.
    pub sizes: Vec<u64>,
}

impl Film {
    /// Puts what `task` has made to the rest. Chunks come in order; small pictures are not of HLS.
    pub fn add(&mut self, plan: &Plan, task: Task, made: Made) {
        match (task, made) {
            (Task::Chunk(_), Made::Chunk(rungs)) if self.rungs.is_empty() => self.rungs = rungs,
            (Task::Chunk(_), Made::Chunk(rungs)) => {
                for (known, more) in self.rungs.iter_mut().zip(rungs) {
                    known.segments.extend(more.segments);
                }
            }
            (Task::Sound(number), Made::Sound(sound)) => {
                self.sounds.push((plan.sounds[number].clone(), sound));
            }
            (Task::Subtitles(number), Made::Subtitles(sizes)) => self.subtitles.push(Subtitles {
                work: plan.subtitles[number].clone(),
                folder: subtitles_folder(number),
                sizes,
            }),
            _ => {}
        }
    }
}

/// Where a file is, seen from the playlist in the folder of its rendition; its name is from the folder
/// of all renditions, as `720p/00000.m4s`.
pub type Address<'a> = &'a dyn Fn(&str) -> String;

/// An [`Address`] of files that lie beside their playlist.
pub fn beside(name: &str) -> String {
    name.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Every playlist of `film`: its name and its text. The one to play is the last, so that whoever
/// stores them in order never shows what is not there yet.
pub fn write(plan: &Plan, film: &Film, address: Address<'_>) -> Vec<(String, String)> {
    let sounds = film.sounds.iter().map(|(_, sound)| sound);
    let target = target_seconds(film.rungs.iter().chain(sounds));
    let mut files = Vec::new();
    for rung in &film.rungs {
        files.push((
            format!("{}/{INDEX}", rung.name),
            media(rung, target, true, address),
        ));
        files.push((
            format!("{}/{KEYFRAMES}", rung.name),
            keyframes(rung, target, address),
        ));
    }
    for (_, sound) in &film.sounds {
        files.push((
            format!("{}/{INDEX}", sound.name),
            media(sound, target, false, address),
        ));
    }
    for track in &film.subtitles {
        files.push((
            format!("{}/{INDEX}", track.folder),
            texts(plan, track, target, address),
        ));
    }
    files.push((MASTER.to_owned(), master(plan, film, target)));
    files
}

/// Seconds of the longest segment of all, rounded: one target for all playlists.
pub(super) fn target_seconds<'a>(all: impl Iterator<Item = &'a Rendition>) -> u64 {
    let longest = all
        .flat_map(|rendition| lengths(rendition).map(|(_, seconds)| seconds))
        .fold(1.0, f64::max);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "some seconds"
    )]
    let longest = longest.round() as u64;
    longest
}

/// Bytes and seconds of each segment.
fn lengths(rendition: &Rendition) -> impl Iterator<Item = (u64, f64)> {
    let timescale = f64::from(rendition.init.timescale);
    #[expect(clippy::cast_precision_loss, reason = "ticks of some seconds")]
    let length = move |ticks: u64| ticks as f64 / timescale;
    let segments = rendition.segments.iter();
    segments.map(move |segment| (segment.bytes, length(segment.duration)))
}

pub(super) fn rates(rendition: &Rendition, target: u64) -> Rates {
    #[expect(clippy::cast_precision_loss, reason = "some seconds")]
    Rates::of(&lengths(rendition).collect::<Vec<_>>(), target as f64)
}

fn head(target: u64) -> String {
    format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:0\n\
         #EXT-X-PLAYLIST-TYPE:VOD\n"
    )
}

// Writing to a text, as all of these do, does not fail.

pub(super) fn media(
    rendition: &Rendition,
    target: u64,
    independent: bool,
    address: Address<'_>,
) -> String {
    let mut text = head(target);
    if independent {
        text += "#EXT-X-INDEPENDENT-SEGMENTS\n";
    }
    let init = address(&rendition.init_name());
    let _ = writeln!(text, "#EXT-X-MAP:URI=\"{init}\"");
    for (segment, (_, seconds)) in rendition.segments.iter().zip(lengths(rendition)) {
        let file = address(&rendition.segment_name(segment.number));
        let _ = write!(text, "#EXTINF:{seconds:.6},\n{file}\n");
    }
    text + "#EXT-X-ENDLIST\n"
}

fn keyframes(rung: &Rendition, target: u64, address: Address<'_>) -> String {
    let init = address(&rung.init_name());
    let mut text = head(target);
    let _ = writeln!(text, "#EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI=\"{init}\"");
    for (segment, (_, seconds)) in rung.segments.iter().zip(lengths(rung)) {
        let (file, bytes) = (
            address(&rung.segment_name(segment.number)),
            segment.first_picture_bytes,
        );
        let _ = write!(
            text,
            "#EXTINF:{seconds:.6},\n#EXT-X-BYTERANGE:{bytes}@0\n{file}\n"
        );
    }
    text + "#EXT-X-ENDLIST\n"
}

fn texts(plan: &Plan, track: &Subtitles, target: u64, address: Address<'_>) -> String {
    let mut text = head(target);
    for number in 0..track.sizes.len() as u64 {
        let first = number * plan.segment_frames;
        let end = (first + plan.segment_frames).min(plan.frames);
        let micros = plan.time_us(end).saturating_sub(plan.time_us(first));
        let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
        let file = address(&format!("{}/{}", track.folder, segment_file(number, "vtt")));
        let _ = write!(text, "#EXTINF:{seconds}.{micros:06},\n{file}\n");
    }
    text + "#EXT-X-ENDLIST\n"
}

fn master(plan: &Plan, film: &Film, target: u64) -> String {
    let mut text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n".to_owned();
    for (work, sound) in &film.sounds {
        let yes = if work.default { "YES" } else { "NO" };
        let _ = writeln!(
            text,
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"{}\"{},DEFAULT={yes},\
             AUTOSELECT=YES,CHANNELS=\"2\",URI=\"{}/{INDEX}\"",
            work.name,
            language(work.language.as_deref()),
            sound.name
        );
    }
    for track in &film.subtitles {
        let work = &track.work;
        let yes = |is: bool| if is { "YES" } else { "NO" };
        let _ = writeln!(
            text,
            "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subtitles\",NAME=\"{}\"{},DEFAULT={},\
             AUTOSELECT={},FORCED={},URI=\"{}/{INDEX}\"",
            work.name,
            language(work.language.as_deref()),
            yes(work.default),
            yes(work.default || work.forced || work.language.is_some()),
            yes(work.forced),
            track.folder
        );
    }
    variants(&mut text, plan, film, target);
    text
}

fn variants(text: &mut String, plan: &Plan, film: &Film, target: u64) {
    let sound = film
        .sounds
        .iter()
        .map(|(_, sound)| rates(sound, target))
        .fold(Rates::default(), Rates::or);
    let mut rungs: Vec<_> = film
        .rungs
        .iter()
        .map(|rung| (rung, rates(rung, target).and(sound)))
        .collect();
    // Players begin with the first; the others follow from small to large.
    rungs.sort_by_key(|(_, rates)| rates.average);
    let first = rungs
        .iter()
        .map(|(_, rates)| rates.average.abs_diff(FIRST_CHOICE));
    if let Some((at, _)) = first.enumerate().min_by_key(|(_, away)| *away) {
        rungs[..=at].rotate_right(1);
    }
    for (rung, rates) in &rungs {
        let mut codecs = rung.init.codec.clone();
        let mut groups = String::new();
        if let Some((_, sound)) = film.sounds.first() {
            let _ = write!(codecs, ",{}", sound.init.codec);
            groups += ",AUDIO=\"sound\"";
        }
        if !film.subtitles.is_empty() {
            groups += ",SUBTITLES=\"subtitles\"";
        }
        let _ = writeln!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{codecs}\",{},\
             FRAME-RATE={:.3},VIDEO-RANGE=SDR{groups},CLOSED-CAPTIONS=NONE\n{}/{INDEX}",
            rates.peak,
            rates.average,
            resolution(rung),
            plan.frame_rate.value(),
            rung.name
        );
    }
    for (rung, _) in &rungs {
        let pictures = lengths(rung).zip(&rung.segments);
        let pictures: Vec<_> = pictures
            .map(|((_, seconds), segment)| (segment.first_picture_bytes, seconds))
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "some seconds")]
        let rates = Rates::of(&pictures, target as f64);
        let _ = writeln!(
            text,
            "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}\",{},\
             VIDEO-RANGE=SDR,URI=\"{}/{KEYFRAMES}\"",
            rates.peak,
            rates.average,
            rung.init.codec,
            resolution(rung),
            rung.name
        );
    }
}

fn resolution(rung: &Rendition) -> String {
    match rung.init.media {
        Media::Video { width, height } => format!("RESOLUTION={width}x{height}"),
        Media::Audio { .. } => String::new(),
    }
}

fn language(code: Option<&str>) -> String {
    code.and_then(tag)
        .map(|tag| format!(",LANGUAGE=\"{tag}\""))
        .unwrap_or_default()
}
