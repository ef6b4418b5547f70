//! Sounds: from upload to what a player makes of them.

use std::path::PathBuf;

use serde_json::Value;
use tokio::process::Command;

use crate::{
    films::{body, counted, make, upload, urls},
    fixtures::{decode_webp, webp_chunks},
    stack::Stack,
};

/// Makes a sound of so many seconds in stereo, with a cover of 800 × 400 pixels and with a name that is nobody's
/// business.
pub async fn song(stack: &Stack, name: &str, seconds: u32) -> PathBuf {
    let cover = make(
        stack,
        "cover.png",
        "-f lavfi -i testsrc=s=800x400 -frames:v 1",
    )
    .await;
    let line = format!(
        "-f lavfi -i aevalsrc=0.7*sin(880*t)*abs(sin(t))|0.3*sin(2000*t):s=44100:d={seconds} -i {} -map 0 -map 1 \
         -c:v copy -disposition:v attached_pic -metadata title=SECRET -metadata artist=SECRET -c:a libmp3lame",
        cover.display()
    );
    make(stack, name, &line).await
}

async fn json(url: &str, key: &str) -> Value {
    let response = reqwest::Client::new().get(url).bearer_auth(key).send();
    response.await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_sound_becomes_ready_and_plays_from_the_edge() {
    let stack = Stack::served_by_the_edge().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let file = upload(&stack, &api, &song(&stack, "song.mp3", 20).await).await;
    assert_eq!(file["content_type"], "audio/mpeg");
    let audio = &file["audio"];
    assert_eq!(
        (&audio["codec"], &audio["channels"]),
        (&"mp3".into(), &2.into())
    );
    assert_eq!(audio["sample_rate"], 44_100);
    let seconds = audio["duration_seconds"].as_f64().unwrap();
    assert!((seconds - 20.0).abs() < 0.06, "{audio}");

    let playlist = file["cdn_url"].as_str().unwrap();
    assert_eq!(urls(&file, "playlist"), [playlist]);
    body(playlist, "application/vnd.apple.mpegurl").await;
    let (frames, codec) = counted(playlist, "a").await;
    assert_eq!(codec, "aac");
    // Of 1024 samples each, at 44.1 kHz.
    assert!((861..=865).contains(&frames), "{frames}");

    let [whole] = urls(&file, "audio").try_into().unwrap();
    let bytes = body(&whole, "audio/mp4").await;
    assert!(!bytes.windows(6).any(|word| word == b"SECRET"));
    assert_eq!(counted(&whole, "a").await.1, "aac");

    let waveform = urls(&file, "waveform");
    let [picture, peaks] = waveform.try_into().unwrap();
    let peaks: Value = serde_json::from_slice(&body(&peaks, "application/json").await).unwrap();
    assert_eq!((&peaks["version"], &peaks["bits"]), (&2.into(), &8.into()));
    let pixels = peaks["length"].as_u64().unwrap();
    // Of 256 samples each.
    assert!(pixels.abs_diff(20 * 44_100 / 256) < 10, "{pixels}");
    let (width, height, _) = decode_webp(&body(&picture, "image/webp").await);
    assert_eq!((width, height), (1280, 256));

    let covers = urls(&file, "cover");
    let mut sizes = Vec::new();
    for cover in &covers {
        let webp = body(cover, "image/webp").await;
        let chunks = webp_chunks(&webp);
        assert!(
            !chunks
                .iter()
                .any(|chunk| ["EXIF", "XMP ", "ICCP"].contains(&&**chunk)),
            "{chunks:?}"
        );
        let (width, height, _) = decode_webp(&webp);
        sizes.push((width, height));
    }
    assert_eq!(sizes, [(640, 320), (320, 160)]);

    let file_id = file["file_id"].as_str().unwrap();
    let report = format!("{}/v1/files/{file_id}/conformance", api.ready);
    let report = json(&report, &stack.key).await;
    assert_eq!(report["playlists"], 3, "{report}");
    assert_eq!(report["findings"], Value::Array(Vec::new()));
    assert_eq!(report["unchecked"], Value::Array(Vec::new()));

    // What is not served is gone, and what is served is still there.
    stack
        .until("SELECT discarded_at IS NOT NULL FROM media_files")
        .await;
    assert_eq!(counted(playlist, "a").await.0, frames);
    body(&whole, "audio/mp4").await;
}

#[tokio::test]
async fn a_sound_in_a_films_container_is_a_sound() {
    let stack = Stack::served_by_the_edge().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    for (name, codec, found) in [
        ("voice.webm", "-c:a libopus", "audio/webm"),
        ("voice.mp4", "-c:a aac", "audio/mp4"),
        ("voice.ogg", "-c:a libvorbis", "audio/ogg"),
    ] {
        let line = format!("-f lavfi -i sine=440:d=3 {codec}");
        let file = upload(&stack, &api, &make(&stack, name, &line).await).await;
        assert_eq!(file["content_type"], found);
        assert_eq!(file["audio"]["channels"], 1, "{name}");
    }
    // And the other way about.
    let line =
        "-f lavfi -i testsrc=s=64x64:d=2 -f lavfi -i sine=440:d=2 -c:v libtheora -c:a libvorbis";
    let file = upload(&stack, &api, &make(&stack, "film.ogg", line).await).await;
    assert_eq!(file["content_type"], "video/ogg");
    assert!(file["audio"].is_null());
}

#[tokio::test]
async fn a_broken_cover_is_left_out_and_broken_sounds_are_refused() {
    let stack = Stack::served_by_the_edge().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let mut song = std::fs::read(song(&stack, "song.mp3", 5).await).unwrap();
    let png = song.windows(4).position(|word| word == b"IDAT").unwrap();
    song[png + 8..png + 400].fill(0);
    let file = upload(&stack, &api, &stack.file("broken-cover.mp3", &song)).await;
    assert_eq!(urls(&file, "cover").len(), 0, "{file}");
    assert_eq!(urls(&file, "audio").len(), 1);

    let wav = std::fs::read(make(&stack, "whole.wav", "-f lavfi -i sine=440:d=3").await).unwrap();
    let data = wav.windows(4).position(|word| word == b"data").unwrap();
    let mut empty = wav[..data + 8].to_vec();
    empty[data + 4..].fill(0);
    let list = b"ffconcat version 1.0\nfile /etc/passwd\n";
    let noise: Vec<u8> = (0..50_000_u32)
        .map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()[3])
        .collect();
    let noise = [b"\xff\xfb\x90\x44", &noise[..]].concat();
    for (name, bytes, codes) in [
        ("empty.wav", &empty[..], &["empty"][..]),
        ("list.mp3", list, &["unsupported_type"]),
        ("noise.mp3", &noise, &["malformed", "unsupported_type"]),
    ] {
        let (well, printed) = stack.upload(&api, &stack.file(name, bytes)).await;
        assert!(!well, "{name}: {printed}");
        let code = printed["file"]["rejection"]["code"].as_str().unwrap();
        assert!(codes.contains(&code), "{name}: {printed}");
    }
}

/// The independent reader of metadata sees nothing but what the format needs.
#[tokio::test]
async fn outputs_of_a_sound_carry_no_metadata() {
    let stack = Stack::served_by_the_edge().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let file = upload(&stack, &api, &song(&stack, "song.mp3", 4).await).await;
    let [whole] = urls(&file, "audio").try_into().unwrap();
    let shown = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-show_entries",
            "format_tags:stream_tags",
            "-of",
            "csv=p=0",
            &whole,
        ])
        .output()
        .await
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    for line in shown.lines() {
        // Brands and handlers are of the container.
        let of_the_container = ["M4A", "isom", "512", "und", "SoundHandler", "[0]"];
        assert!(
            of_the_container.iter().any(|word| line.contains(word))
                || line.trim_matches(',').is_empty(),
            "{shown}"
        );
    }
}
