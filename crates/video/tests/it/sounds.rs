//! Sounds alone: every format in, and what is made of it, compared with what ffmpeg by itself makes of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use video::audio::{
    self, AudioLimits, AudioPlan, AudioProbe, AudioSettings, AudioTask, Bitrates, Peaks, Sound,
};
use video::encode::Desk;
use video::gate::{self, Folder, Report, Rule, SoundAlone};
use video::hls;
use video::probe::{ProbeError, RefusalCode};

use crate::fixtures::{make, shown, tools};

/// What was made of a sound.
struct Made {
    plan: AudioPlan,
    sound: Sound,
    folder: TempDir,
}

fn settings() -> AudioSettings {
    AudioSettings {
        bitrates: Bitrates {
            mono: [48_000, 96_000],
            stereo: [64_000, 160_000],
        },
        segment_seconds: 6,
        waveform_pixels: 65_536,
    }
}

async fn look(file: &Path, limits: &AudioLimits) -> Result<AudioProbe, ProbeError> {
    let scratch = tempfile::tempdir().unwrap();
    audio::probe(&tools(), file, scratch.path(), limits).await
}

async fn refusal(file: &Path, limits: &AudioLimits) -> RefusalCode {
    match look(file, limits).await {
        Err(ProbeError::Refused(refusal)) => refusal.code,
        other => panic!("{}: not refused: {other:?}", file.display()),
    }
}

async fn convert(file: &Path) -> Made {
    let probe = look(file, &AudioLimits::default()).await.unwrap();
    let plan = AudioPlan::new(&probe, &settings());
    let folder = tempfile::tempdir().unwrap();
    let (tools, limits) = (tools(), plan.limits(AudioTask::Sound));
    let desk = Desk {
        tools: &tools,
        file,
        folder: folder.path(),
        limits: &limits,
        threads: 1,
    };
    let sound = audio::encode(desk, &plan, |_| ()).await.unwrap();
    for (name, text) in hls::write_sound(&sound.renditions, &hls::beside) {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    Made {
        plan,
        sound,
        folder,
    }
}

impl Made {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn report(&self) -> Report {
        let expected = SoundAlone {
            duration_us: self.sound.duration_us,
            segment_us: self.plan.segment_us,
            sample_rate: self.plan.sample_rate,
            channels: self.plan.channels,
            renditions: 2,
        };
        gate::check_sound(&Folder::new(self.folder.path()), &expected)
    }

    fn peaks(&self) -> Peaks {
        let json = std::fs::read(self.path(&self.sound.peaks.name)).unwrap();
        serde_json::from_slice(&json).unwrap()
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    fn seconds(&self) -> f64 {
        self.sound.duration_us as f64 / 1e6
    }
}

/// Samples as ffmpeg by itself decodes them, all channels mixed into one here.
fn samples(file: &Path, rate: u32, channels: u16) -> Vec<i16> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(file)
        // In floating point, as AAC is made: mixed down in integers, everything would be quieter.
        .args([
            "-map",
            "0:a:0",
            "-af",
            &format!("aformat=fltp:channel_layouts={channels}c"),
        ])
        .args(["-ar", &rate.to_string(), "-f", "s16le", "-"])
        .output()
        .unwrap();
    let (pairs, _) = output.stdout.as_chunks::<2>();
    let samples: Vec<i32> = pairs
        .iter()
        .map(|&pair| i16::from_le_bytes(pair).into())
        .collect();
    let mixed = samples.chunks(channels.into());
    mixed
        .map(|channels| channels.iter().sum::<i32>() / i32::try_from(channels.len()).unwrap())
        .map(|mixed| i16::try_from(mixed).unwrap())
        .collect()
}

fn peaks_of(samples: &[i16], per_pixel: usize) -> Vec<i8> {
    let pixels = samples.chunks(per_pixel).flat_map(|pixel| {
        let (least, most) = (pixel.iter().min().unwrap(), pixel.iter().max().unwrap());
        [least / 256, most / 256]
    });
    pixels.map(|level| i8::try_from(level).unwrap()).collect()
}

/// A tone that swells and fades, on the left louder than on the right.
fn tone(seconds: f64, rate: u32, layout: &str) -> String {
    format!(
        "-f lavfi -i aevalsrc=0.8*sin(440*2*PI*t)*abs(sin(t))|0.4*sin(660*2*PI*t):s={rate}:d={seconds} \
         -af aformat=channel_layouts={layout}"
    )
}

/// Samples a second and layout of a tone.
type Tone = (u32, &'static str);

const STEREO: Tone = (44_100, "stereo");
const MONO: Tone = (8_000, "mono");
const WIDE: Tone = (16_000, "mono");
const SURROUND: Tone = (48_000, "5.1");

/// File name, what is heard, how ffmpeg writes it, and the codec, channels and samples a second that are to be found.
const FORMATS: [(&str, Tone, &str, &str, u32, u32); 16] = [
    ("a.mp3", STEREO, "-c:a libmp3lame -q:a 4", "mp3", 2, 44_100),
    (
        "b.mp3",
        WIDE,
        "-ar 12000 -c:a libmp3lame -write_xing 0",
        "mp3",
        1,
        12_000,
    ),
    ("c.aac", STEREO, "-c:a aac -f adts", "aac", 2, 44_100),
    ("d.m4a", STEREO, "-c:a aac", "aac", 2, 44_100),
    ("e.m4a", STEREO, "-c:a alac", "alac", 2, 44_100),
    ("f.flac", SURROUND, "-c:a flac", "flac", 6, 48_000),
    ("g.wav", STEREO, "-c:a pcm_s24le", "pcm_s24le", 2, 44_100),
    (
        "h.wav",
        STEREO,
        "-c:a pcm_f32le -rf64 always",
        "pcm_f32le",
        2,
        44_100,
    ),
    ("i.aiff", STEREO, "-c:a pcm_s16be", "pcm_s16be", 2, 44_100),
    ("j.ogg", STEREO, "-c:a libvorbis", "vorbis", 2, 44_100),
    ("k.opus", MONO, "-c:a libopus", "opus", 1, 48_000),
    ("l.wma", STEREO, "-c:a wmav2", "wmav2", 2, 44_100),
    (
        "m.mp4",
        STEREO,
        "-c:a aac -movflags +frag_keyframe+empty_moov",
        "aac",
        2,
        44_100,
    ),
    ("n.webm", STEREO, "-c:a libopus", "opus", 2, 48_000),
    ("o.mka", STEREO, "-c:a flac", "flac", 2, 44_100),
    ("p.wav", MONO, "-c:a pcm_alaw", "pcm_alaw", 1, 8_000),
];

#[tokio::test]
async fn every_format_becomes_what_ffmpeg_hears_in_it() {
    let folder = tempfile::tempdir().unwrap();
    for (name, (heard_rate, layout), written, codec, channels, rate) in FORMATS {
        let line = format!("{} {written}", tone(13.7, heard_rate, layout));
        let file = make(folder.path(), name, &line);
        let probe = look(&file, &AudioLimits::default()).await.unwrap();
        let found = (&*probe.codec, probe.channels, probe.sample_rate);
        assert_eq!(found, (codec, channels, rate), "{name}");
        let made = convert(&file).await;
        let report = made.report();
        assert!(report.findings.is_empty(), "{name}: {:?}", report.findings);
        assert_eq!(report.playlists, 3);
        let heard = samples(&file, made.plan.sample_rate, made.plan.channels);
        #[expect(clippy::cast_precision_loss, reason = "seconds")]
        let seconds = heard.len() as f64 / f64::from(made.plan.sample_rate);
        // ffmpeg's resampler may hold back a sample at the end.
        assert!(
            (made.seconds() - seconds).abs() < 0.001,
            "{name}: {}",
            made.seconds()
        );
        assert!((seconds - 13.7).abs() < 0.2, "{name}: {seconds}");
        assert_peaks(name, &made, &heard);
        assert_whole(name, &made);
    }
}

/// One step of rounding in the mix may differ.
fn assert_peaks(name: &str, made: &Made, heard: &[i16]) {
    let peaks = made.peaks();
    assert_eq!((peaks.version, peaks.bits, peaks.channels), (2, 8, 1));
    assert_eq!(peaks.length * 2, peaks.data.len());
    assert_eq!(peaks.sample_rate, made.plan.sample_rate);
    let expected = peaks_of(heard, peaks.samples_per_pixel as usize);
    assert!(peaks.data.len().abs_diff(expected.len()) <= 2, "{name}");
    let mut both = peaks.data.iter().zip(&expected);
    let near = both.all(|(ours, theirs)| ours.abs_diff(*theirs) <= 1);
    assert!(near, "{name}");
    assert!(
        expected.iter().any(|level| *level > 40),
        "{name}: silence proves nothing"
    );
}

/// The single file plays for as long as the sound, and can be played while it is fetched.
fn assert_whole(name: &str, made: &Made) {
    let whole = made.path(&made.sound.whole.name);
    let [found] = shown(&whole, "stream=codec_name,sample_rate,channels")
        .try_into()
        .unwrap();
    let expected = format!("aac,{},{}", made.plan.sample_rate, made.plan.channels);
    assert_eq!(found, expected, "{name}");
    let [length] = shown(&whole, "format=duration").try_into().unwrap();
    let length: f64 = length.parse().unwrap();
    assert!((length - made.seconds()).abs() < 0.03, "{name}: {length}");
    let bytes = std::fs::read(&whole).unwrap();
    let at = |word: &[u8]| bytes.windows(4).position(|window| window == word).unwrap();
    assert!(at(b"moov") < at(b"mdat"), "{name}");
}

#[tokio::test]
async fn playlists_decode_to_the_sound_without_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let file = make(
        folder.path(),
        "a.flac",
        &format!("{} -c:a flac", tone(31.0, 44_100, "stereo")),
    );
    let made = convert(&file).await;
    assert_eq!(made.plan.samples_per_pixel, 256);
    for variant in ["64k/index.m3u8", "160k/index.m3u8"] {
        let heard = samples(&made.path(variant), 44_100, 2);
        let expected = samples(&file, 44_100, 2);
        // The encoder's first frame is silence, and its last is filled up.
        let heard = &heard[1024..];
        assert!(heard.len().abs_diff(expected.len()) <= 1024, "{variant}");
        // What coding changes is a tenth of the sound in each second; a lost or moved frame would be all of it.
        for (heard, expected) in heard.chunks(44_100).zip(expected.chunks(44_100)) {
            let pairs = heard.iter().zip(expected);
            let error: i64 = pairs.map(|(a, b)| i64::from(a.abs_diff(*b)).pow(2)).sum();
            let power: i64 = expected
                .iter()
                .map(|sample| i64::from(*sample).pow(2))
                .sum();
            assert!(error * 3 < power, "{variant}: {error} of {power}");
        }
    }
}

#[tokio::test]
async fn broken_playlists_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let file = make(folder.path(), "a.wav", &tone(20.0, 48_000, "mono"));
    let made = convert(&file).await;
    assert!(made.report().passed(), "{:?}", made.report());
    let master = std::fs::read_to_string(made.path("master.m3u8")).unwrap();
    let segment = std::fs::read(made.path("96k/00001.m4s")).unwrap();
    let broken = |name: &str, bytes: &[u8], rule: Rule| {
        let whole = std::fs::read(made.path(name)).unwrap();
        std::fs::write(made.path(name), bytes).unwrap();
        let report = made.report();
        std::fs::write(made.path(name), whole).unwrap();
        assert!(
            report.broken().any(|found| found == rule),
            "{name}: {report:?}"
        );
    };
    let first = master
        .lines()
        .position(|line| line.ends_with("index.m3u8"))
        .unwrap();
    let one: Vec<&str> = master.lines().take(first + 1).collect();
    broken("master.m3u8", one.join("\n").as_bytes(), Rule::Ladder);
    broken(
        "master.m3u8",
        master.replace("mp4a.40.2", "mp4a.40.5").as_bytes(),
        Rule::Codecs,
    );
    broken(
        "master.m3u8",
        master.replace("-BANDWIDTH=", "-BANDWIDTH=9").as_bytes(),
        Rule::Bandwidth,
    );
    broken("96k/00002.m4s", &segment, Rule::Clock);
    broken(
        "96k/00001.m4s",
        &segment[..segment.len() - 1],
        Rule::Readable,
    );
    let index = std::fs::read_to_string(made.path("96k/index.m3u8")).unwrap();
    broken(
        "96k/index.m3u8",
        index.replace("#EXT-X-ENDLIST", "").as_bytes(),
        Rule::Complete,
    );
    let shorter: Vec<&str> = index
        .lines()
        .filter(|line| !line.contains("00003"))
        .collect();
    broken(
        "96k/index.m3u8",
        shorter.join("\n").as_bytes(),
        Rule::Duration,
    );
}

#[tokio::test]
async fn nothing_of_who_where_and_when_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!(
        "{} -metadata title=SECRET -metadata artist=SECRET -metadata location=+48.1+011.5/ \
         -metadata comment=SECRET -metadata:s:a language=deu -c:a aac",
        tone(7.0, 44_100, "stereo")
    );
    let made = convert(&make(folder.path(), "a.m4a", &line)).await;
    for name in made.sound.files() {
        let bytes = std::fs::read(made.path(&name)).unwrap();
        for secret in [&b"SECRET"[..], b"+48.1", b"Lavf", b"Lavc"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "{name}: {}", String::from_utf8_lossy(secret));
        }
    }
}

#[tokio::test]
async fn silence_and_the_shortest_sound_have_a_waveform() {
    let folder = tempfile::tempdir().unwrap();
    for (name, line) in [
        ("silence.wav", "-f lavfi -i anullsrc=r=48000:cl=stereo:d=9"),
        ("short.wav", "-f lavfi -i sine=d=0.01:r=44100"),
    ] {
        let made = convert(&make(folder.path(), name, line)).await;
        assert!(made.report().passed(), "{name}: {:?}", made.report());
        let peaks = made.peaks();
        assert!(peaks.length > 0, "{name}");
        let picture = std::fs::read(made.path(&made.sound.picture.file.name)).unwrap();
        assert!(picture.starts_with(b"RIFF"), "{name}");
        let size = shown(
            &made.path(&made.sound.picture.file.name),
            "stream=width,height",
        );
        assert_eq!(size, ["1280,256"], "{name}");
    }
}

#[tokio::test]
async fn a_pause_that_a_recorder_left_out_is_silence() {
    let folder = tempfile::tempdir().unwrap();
    let pause = "-f lavfi -i sine=440:d=8:r=48000 -af aselect='not(between(t,2,5))' -c:a libopus";
    let made = convert(&make(folder.path(), "a.webm", pause)).await;
    assert!((made.seconds() - 8.0).abs() < 0.1, "{}", made.seconds());
    assert!(made.report().passed(), "{:?}", made.report());
}

#[tokio::test]
async fn a_cover_is_no_picture_and_comes_out_as_it_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let jpeg = make(
        folder.path(),
        "cover.jpg",
        "-f lavfi -i testsrc=s=200x100 -frames:v 1",
    );
    for name in ["a.mp3", "a.flac", "a.m4a"] {
        let codec = if name == "a.m4a" { "-c:a aac" } else { "" };
        let line = format!(
            "-f lavfi -i sine=440:d=3 -i {} -map 0 -map 1 {codec} -c:v copy -disposition:v attached_pic",
            jpeg.display()
        );
        let file = make(folder.path(), name, &line);
        let probe = look(&file, &AudioLimits::default()).await.unwrap();
        let plan = AudioPlan::new(&probe, &settings());
        assert_eq!(plan.tasks(), [AudioTask::Sound, AudioTask::Cover], "{name}");
        let scratch = tempfile::tempdir().unwrap();
        let (tools, limits) = (tools(), plan.limits(AudioTask::Cover));
        let desk = Desk {
            tools: &tools,
            file: &file,
            folder: scratch.path(),
            limits: &limits,
            threads: 1,
        };
        let cover = audio::cover(desk, &plan).await.unwrap();
        assert_eq!(
            std::fs::read(cover).unwrap(),
            std::fs::read(&jpeg).unwrap(),
            "{name}"
        );
        assert!(convert(&file).await.report().passed(), "{name}");
    }
}

#[tokio::test]
async fn what_is_not_to_be_worked_on_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let tone = tone(3.0, 44_100, "stereo");
    let m4a = std::fs::read(make(folder.path(), "a.m4a", &format!("{tone} -c:a aac"))).unwrap();
    let pictures = make(
        folder.path(),
        "film.mp4",
        "-f lavfi -i testsrc=s=64x64:d=1 -f lavfi -i sine=440:d=1 -c:v libx264 -c:a aac",
    );
    let texts = file("texts.srt", b"1\n00:00:00,000 --> 00:00:01,000\nhello\n");
    let texts = make(
        folder.path(),
        "texts.mkv",
        &format!("-i {}", texts.display()),
    );
    let wav = std::fs::read(make(folder.path(), "a.wav", &tone)).unwrap();
    let data = wav.windows(4).position(|word| word == b"data").unwrap();
    let mut empty = wav[..data + 8].to_vec();
    empty[data + 4..].fill(0);
    let wma = std::fs::read(make(folder.path(), "a.wma", &tone)).unwrap();
    let default = AudioLimits::default();
    for (path, code) in [
        (pictures, RefusalCode::HasVideo),
        (texts, RefusalCode::NoSound),
        (file("empty.wav", &empty), RefusalCode::Empty),
        (
            file("drm.m4a", &replaced(&m4a, *b"mp4a", *b"drms")),
            RefusalCode::Encrypted,
        ),
        (file("drm.wma", &protected(&wma)), RefusalCode::Encrypted),
        (
            file("zip.mp3", b"PK\x03\x04 nothing of the kind"),
            RefusalCode::Malformed,
        ),
        (
            file("list.mp3", b"ffconcat version 1.0\nfile /etc/passwd\n"),
            RefusalCode::UnsupportedContainer,
        ),
    ] {
        assert_eq!(refusal(&path, &default).await, code, "{}", path.display());
    }
}

#[tokio::test]
async fn what_is_over_a_limit_is_refused_by_the_limits_name() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{} -c:a aac", tone(3.0, 44_100, "stereo"));
    let sound = make(folder.path(), "a.m4a", &line);
    let default = AudioLimits::default();
    for (limits, code) in [
        (
            AudioLimits {
                duration_seconds: 2,
                ..default.clone()
            },
            RefusalCode::TooLong,
        ),
        (
            AudioLimits {
                channels: 1,
                ..default.clone()
            },
            RefusalCode::TooManyChannels,
        ),
        (
            AudioLimits {
                sample_rate: 44_099,
                ..default.clone()
            },
            RefusalCode::TooHighSampleRate,
        ),
        (
            AudioLimits {
                size_bytes: 100,
                ..default.clone()
            },
            RefusalCode::TooLarge,
        ),
        (
            AudioLimits {
                packets: 10,
                ..default.clone()
            },
            RefusalCode::TooManyPackets,
        ),
        (
            AudioLimits {
                tracks: 0,
                ..default.clone()
            },
            RefusalCode::TooManyTracks,
        ),
    ] {
        assert_eq!(refusal(&sound, &limits).await, code);
    }
}

fn replaced(bytes: &[u8], from: [u8; 4], to: [u8; 4]) -> Vec<u8> {
    let at = bytes.windows(4).position(|word| word == from).unwrap();
    [&bytes[..at], &to, &bytes[at + 4..]].concat()
}

/// ASF with one more object in its header: what is inside is encrypted.
fn protected(asf: &[u8]) -> Vec<u8> {
    let object = [
        &[
            0xfb, 0xb3, 0x11, 0x22, 0x23, 0xbd, 0xd2, 0x11, 0xb4, 0xb7, 0x00, 0xa0, 0xc9, 0x55,
            0xfc, 0x6e,
        ][..],
        &40_u64.to_le_bytes(),
        &[0; 16],
    ]
    .concat();
    let mut asf = asf.to_vec();
    let size = u64::from_le_bytes(asf[16..24].try_into().unwrap()) + 40;
    asf[16..24].copy_from_slice(&size.to_le_bytes());
    asf[24] += 1;
    [&asf[..30], &object, &asf[30..]].concat()
}

#[tokio::test]
async fn a_table_of_what_is_not_there_is_no_sound() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!(
        "{} -c:a aac -movflags +faststart",
        tone(60.0, 44_100, "mono")
    );
    let whole = std::fs::read(make(folder.path(), "a.m4a", &line)).unwrap();
    let cut = folder.path().join("cut.m4a");
    std::fs::write(&cut, &whole[..whole.len() / 3]).unwrap();
    assert_eq!(
        refusal(&cut, &AudioLimits::default()).await,
        RefusalCode::DurationMismatch
    );
}

#[tokio::test]
async fn what_stands_before_the_first_frame_of_an_mp3_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let plain = make(
        folder.path(),
        "plain.mp3",
        "-f lavfi -i sine=440:d=2 -ac 1 -b:a 64k",
    );
    let frames = std::fs::read(&plain).unwrap();
    // Taken for AMR by ffprobe.
    let garbage = [0xde, 0xad, 0xbe, 0xef].repeat(25_000);
    let file = folder.path().join("late.mp3");
    std::fs::write(&file, [garbage, frames].concat()).unwrap();
    let made = convert(&file).await;
    assert!((made.seconds() - 2.0).abs() < 0.1, "{}", made.seconds());
    assert!(made.report().passed(), "{:?}", made.report());
    let alone = folder.path().join("garbage.mp3");
    std::fs::write(&alone, [0xde, 0xad, 0xbe, 0xef].repeat(25_000)).unwrap();
    let code = refusal(&alone, &AudioLimits::default()).await;
    assert_eq!(code, RefusalCode::UnsupportedContainer);
}
