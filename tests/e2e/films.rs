//! Films: from upload to what a player makes of their playlists.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::Value;
use sqlx::PgPool;
use storage::Bucket;
use tokio::process::Command;

use crate::{process::Process, stack::Stack};

const READY: &str = "SELECT status = 'READY' FROM media_files";

/// Makes a film of so many seconds at 30 pictures a second, with sound, from a pattern in which no two pictures are
/// the same.
pub async fn film(stack: &Stack, name: &str, seconds: u32) -> PathBuf {
    let line = format!(
        "-f lavfi -i testsrc2=s=320x180:r=30:d={seconds} -f lavfi -i sine=440:d={seconds} \
         -c:v libx264 -preset ultrafast -g 30 -pix_fmt yuv420p -c:a aac -shortest"
    );
    make(stack, name, &line).await
}

/// Makes `name` by the words of `line`.
pub async fn make(stack: &Stack, name: &str, line: &str) -> PathBuf {
    let path = stack.folder.path().join(name);
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y"]);
    let made = command.args(line.split_whitespace()).arg(&path).output();
    let made = made.await.unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    path
}

/// What `ffprobe` counts and sees of the first track of a kind (`v`, `a`) at an address.
pub async fn counted(url: &str, kind: &str) -> (u64, String) {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-of", "json"])
        .args(["-select_streams", &format!("{kind}:0")])
        .args(["-show_entries", "stream=codec_name,nb_read_frames", url])
        .output()
        .await
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && stderr.is_empty(),
        "{url}: {stderr}"
    );
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let stream = &found["streams"][0];
    let frames = stream["nb_read_frames"].as_str().unwrap();
    let codec = stream["codec_name"].as_str().unwrap().to_owned();
    (frames.parse().unwrap(), codec)
}

pub async fn upload(stack: &Stack, api: &Process, film: &Path) -> Value {
    let (well, printed) = stack.upload(api, film).await;
    assert!(well, "{printed}\n{}", stack.logs());
    assert_eq!(printed["file"]["status"], "READY");
    printed["file"].clone()
}

/// The addresses of the variants of a kind.
pub fn urls(file: &Value, kind: &str) -> Vec<String> {
    let variants = file["variants"].as_array().unwrap().iter();
    let of_kind = variants.filter(|variant| variant["kind"] == kind);
    of_kind
        .map(|variant| variant["url"].as_str().unwrap().to_owned())
        .collect()
}

/// The body at an address, which must be of this type.
pub async fn body(url: &str, mime_type: &str) -> Vec<u8> {
    let response = reqwest::get(url).await.unwrap();
    assert_eq!(response.status(), 200, "{url}");
    assert_eq!(response.headers()["content-type"], mime_type, "{url}");
    response.bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn a_film_that_is_cut_off_says_so_and_one_that_plays_on_is_whole() {
    let stack = Stack::served_by_the_edge().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let line = "-f lavfi -i testsrc2=s=320x180:r=25:d=6 -c:v mpeg4 -b:v 1M";
    let cut = make(&stack, "cut.avi", line).await;
    let bytes = std::fs::read(&cut).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() * 95 / 100]).unwrap();
    let file = upload(&stack, &api, &cut).await;
    assert_eq!(file["warnings"], serde_json::json!(["truncated"]));
    assert_eq!(file["progress"], 100);

    let line = "-f lavfi -i testsrc2=s=320x180:r=25:d=2 -f lavfi -i sine=440:d=8 -map 0 -map 1 \
                -c:v libx264 -preset ultrafast -c:a flac -metadata:s:a:0 language=ger";
    let file = upload(&stack, &api, &make(&stack, "long.mkv", line).await).await;
    assert_eq!(file["warnings"], serde_json::json!([]));
    let playlist = file["cdn_url"].as_str().unwrap();
    assert_eq!(counted(playlist, "v").await.0, 200);
    let master = body(playlist, "application/vnd.apple.mpegurl").await;
    let master = String::from_utf8(master).unwrap();
    assert!(master.contains("LANGUAGE=\"de\""), "{master}");
}

#[tokio::test]
async fn a_film_whose_pieces_do_not_fit_is_made_once_more_in_one_piece() {
    let stack = Stack::served_by_the_edge().await;
    let settings = [
        ("MEDIAMILL_VIDEO_CHUNK_SECONDS", "0"),
        ("MEDIAMILL_RENDER_SLOTS", "1"),
    ];
    let (api, _worker) = (stack.api().await, stack.worker_with(&settings).await);
    let long = film(&stack, "film.mp4", 14).await;
    let spoil = async {
        stack
            .until("SELECT status = 'PROCESSING' FROM media_files")
            .await;
        stack.hold_queue("light").await;
        let rendered = "SELECT NOT EXISTS (SELECT FROM workflows.tasks
            JOIN workflows.lanes USING (lane) WHERE step = 'render')";
        stack.until(rendered).await;
        let pool = PgPool::connect(stack.database_url()).await.unwrap();
        let made: Vec<String> = sqlx::query_scalar("SELECT key FROM file_objects")
            .fetch_all(&pool)
            .await
            .unwrap();
        let segments = made.iter().filter(|key| key.ends_with('/'));
        for segment in segments.map(|prefix| format!("{prefix}180p/00001.m4s")) {
            let key = segment.parse().unwrap();
            if stack
                .store
                .head(Bucket::Origin, &key)
                .await
                .unwrap()
                .is_some()
            {
                let nonsense = Bytes::from_static(b"not what was encoded");
                let spoilt =
                    stack
                        .store
                        .put_bytes(Bucket::Origin, &key, nonsense, "video/mp4", None);
                spoilt.await.unwrap();
            }
        }
        let resumed = stack.run("queues resume light --reason test").await;
        assert!(resumed.status.success(), "{resumed:?}");
    };
    let (made, ()) = tokio::join!(upload(&stack, &api, &long), spoil);
    assert_eq!(counted(made["cdn_url"].as_str().unwrap(), "v").await.0, 420);
    stack
        .until(
            "SELECT count(*) = 1 FROM workflows.audit
             WHERE action = 'run.restart' AND actor = 'mediamill'",
        )
        .await;
    // The pieces of the first time, then all of it as one.
    stack
        .until(
            "SELECT count(*) FILTER (WHERE l.step = 'render' AND a.outcome = 'done') = 7 + 5
             FROM workflows.attempts a JOIN workflows.lanes l USING (lane)",
        )
        .await;
}

#[tokio::test]
async fn a_film_becomes_ready_and_plays_from_the_edge() {
    let stack = Stack::served_by_the_edge().await;
    let settings = [("MEDIAMILL_VIDEO_MP4", "720")];
    let (api, _worker) = (stack.api().await, stack.worker_with(&settings).await);
    let file = upload(&stack, &api, &film(&stack, "film.mp4", 6).await).await;
    assert_eq!(file["content_type"], "video/mp4");

    let playlist = file["cdn_url"].as_str().unwrap();
    assert_eq!(urls(&file, "playlist"), [playlist]);
    assert_eq!(counted(playlist, "v").await, (180, "h264".to_owned()));
    let (frames, codec) = counted(playlist, "a").await;
    // Of 1024 samples each, at 48 kHz.
    assert_eq!(codec, "aac");
    assert!((280..=284).contains(&frames), "{frames}");

    body(playlist, "application/vnd.apple.mpegurl").await;
    let whole = in_one_file(&file, (180, frames)).await;
    let posters = urls(&file, "poster");
    assert!(!posters.is_empty());
    for poster in posters.iter().chain(&urls(&file, "preview")) {
        let picture = body(poster, "image/webp").await;
        assert!(picture.starts_with(b"RIFF"), "{poster}");
    }
    let [storyboard] = urls(&file, "storyboard").try_into().unwrap();
    let index = String::from_utf8(body(&storyboard, "text/vtt").await).unwrap();
    let sheet = index.lines().find_map(|line| line.split_once("#xywh="));
    let sheet = reqwest::Url::parse(&storyboard)
        .unwrap()
        .join(sheet.unwrap().0);
    body(sheet.unwrap().as_str(), "image/webp").await;

    let file_id = file["file_id"].as_str().unwrap();
    is_as_planned_and_conforms(&stack, &api, file_id).await;

    // What is not served is gone, and what is served is still there.
    stack
        .until("SELECT discarded_at IS NOT NULL FROM media_files")
        .await;
    assert_eq!(counted(playlist, "v").await.0, 180);
    let segment = first_segment(playlist).await;
    let start = reqwest::Client::new().get(&segment);
    let start = start.header("range", "bytes=4-7").send().await.unwrap();
    assert_eq!(start.status(), 206);
    assert_eq!(start.bytes().await.unwrap(), "moof");

    let deleted = reqwest::Client::new()
        .delete(format!("{}/v1/files/{file_id}", api.ready))
        .bearer_auth(&stack.key);
    assert_eq!(deleted.send().await.unwrap().status(), 204);
    stack
        .until("SELECT NOT EXISTS (SELECT FROM file_objects)")
        .await;
    // Nor does the worker's own copy stay.
    let copies = stack.folder.path().join("scratch");
    let copies: Vec<_> = std::fs::read_dir(copies).unwrap().flatten().collect();
    assert!(copies.is_empty(), "{copies:?}");
    for gone in [playlist, &segment, &whole] {
        assert_eq!(reqwest::get(gone).await.unwrap().status(), 404, "{gone}");
    }
}

/// The report of the film says that all is well, and its plan what was made.
async fn is_as_planned_and_conforms(stack: &Stack, api: &Process, file_id: &str) {
    let http = reqwest::Client::new();
    let report = http.get(format!("{}/v1/files/{file_id}/conformance", api.ready));
    let plan = http.post(format!("{}/v1/plans", api.ready));
    let plan = plan.json(&serde_json::json!({ "file_id": file_id }));
    let answer = async |request: reqwest::RequestBuilder| -> Value {
        let answer = request.bearer_auth(&stack.key).send().await.unwrap();
        answer.json().await.unwrap()
    };
    let (report, plan) = (answer(report).await, answer(plan).await);
    // The one to play, of pictures, of keyframes, and of sound.
    assert_eq!(report["playlists"], 4, "{report}");
    assert_eq!(report["findings"], Value::Array(Vec::new()));
    assert_eq!(report["unchecked"], Value::Array(Vec::new()));
    let size = &plan["renditions"][0];
    assert_eq!(
        (&plan["frames"], &plan["mp4"]),
        (&180.into(), &size["name"])
    );
    assert_eq!(
        (&size["width"], &size["height"]),
        (&320.into(), &180.into())
    );
}

/// The address of the film in one file, which has as many pictures, and as much sound, as the playlists lead to.
async fn in_one_file(file: &Value, (pictures, sounds): (u64, u64)) -> String {
    let variants = file["variants"].as_array().unwrap().iter();
    let told = variants.filter(|variant| variant["kind"] == "video");
    let [told] = told.collect::<Vec<_>>().try_into().unwrap();
    let url = told["url"].as_str().unwrap();
    assert_eq!(counted(url, "v").await, (pictures, "h264".to_owned()));
    // The silence that the encoder begins with is not heard.
    assert_eq!(counted(url, "a").await, (sounds - 1, "aac".to_owned()));
    let bytes = body(url, "video/mp4").await;
    assert_eq!(told["size_bytes"], bytes.len());
    assert_eq!(
        (&told["width"], &told["height"]),
        (&320.into(), &180.into())
    );
    url.to_owned()
}

/// The address of the first segment that a film's playlist leads to.
async fn first_segment(playlist: &str) -> String {
    let mut address = reqwest::Url::parse(playlist).unwrap();
    for _ in 0..2 {
        let text = body(address.as_str(), "application/vnd.apple.mpegurl").await;
        let text = String::from_utf8(text).unwrap();
        let mut lines = text.lines();
        let named = lines.find(|line| !line.starts_with('#')).unwrap();
        address = address.join(named).unwrap();
    }
    address.into()
}

#[tokio::test]
async fn a_film_in_pieces_survives_the_death_of_a_worker() {
    let stack = Stack::served_by_the_edge().await;
    // As many pieces as there are segments.
    let pieces = [("MEDIAMILL_VIDEO_CHUNK_SECONDS", "0")];
    let (api, worker) = (stack.api().await, stack.worker_with(&pieces).await);
    let path = film(&stack, "film.mov", 20).await;
    let sent = async { upload(&stack, &api, &path).await };
    let death = async {
        let half_done =
            "SELECT count(*) FILTER (WHERE step = 'render') >= 2 FROM workflows.attempts
                         JOIN workflows.lanes USING (lane) WHERE outcome = 'done'";
        stack.until(half_done).await;
        worker.kill_9().await;
        stack.worker_with(&pieces).await
    };
    let (file, _second) = tokio::join!(sent, death);
    assert_eq!(file["content_type"], "video/quicktime");
    let steps = file["run"]["steps"].as_array().unwrap();
    let render = steps.iter().find(|step| step["name"] == "render").unwrap();
    // Four segments, sound, poster, preview and storyboard.
    assert_eq!(render["total"], 8, "{render}");
    stack
        .until("SELECT discarded_at IS NOT NULL FROM media_files")
        .await;
    let playlist = file["cdn_url"].as_str().unwrap();
    assert_eq!(counted(playlist, "v").await.0, 600);
    stack.until(READY).await;
}

#[tokio::test]
async fn what_is_no_film_is_refused_whatever_it_is_called() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let list = b"ffconcat version 1.0\nfile /etc/passwd\nfile http://127.0.0.1:9/x\n";
    let playlist =
        b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n";
    let film = std::fs::read(film(&stack, "whole.mp4", 6).await).unwrap();
    for (file, code) in [
        (stack.file("concat.mp4", list), "unsupported_type"),
        (stack.file("playlist.mp4", playlist), "unsupported_type"),
        (stack.file("cut.mp4", &film[..film.len() / 2]), "malformed"),
    ] {
        let (well, printed) = stack.upload(&api, &file).await;
        assert!(!well, "{printed}");
        let rejection = &printed["file"]["rejection"];
        assert_eq!(
            rejection["code"],
            code,
            "{}: {printed}\n{}",
            file.display(),
            stack.logs()
        );
        assert_eq!(rejection["step"], "probe");
    }
}
