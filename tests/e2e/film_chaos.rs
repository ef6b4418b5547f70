//! A film that several workers work on, while they are killed and what they rest on goes away.

use std::time::Duration;

use tokio::process::Command;

use crate::films::{body, film, upload, urls};
use crate::process::Process;
use crate::stack::Stack;

/// A piece for every segment, so that a death costs little.
const PIECES: (&str, &str) = ("MEDIAMILL_VIDEO_CHUNK_SECONDS", "0");
/// And all of it in one file.
const IN_ONE: (&str, &str) = ("MEDIAMILL_VIDEO_MP4", "360");
const WORKERS: usize = 3;
/// Of a segment.
const SECONDS: u32 = 6;

/// Of the film. Five minutes are as much as a test on a busy machine can wait for.
fn film_seconds() -> u32 {
    let seconds = std::env::var("FILM_SECONDS").map(|seconds| seconds.parse().unwrap());
    seconds.unwrap_or(60)
}

/// How long the object store is away.
fn outage() -> Duration {
    let seconds = std::env::var("FILM_OUTAGE_SECONDS").map(|seconds| seconds.parse().unwrap());
    Duration::from_secs(seconds.unwrap_or(3))
}

/// With a scratch folder of its own, as on a host of its own.
async fn worker(stack: &Stack, number: usize) -> Process {
    let scratch = stack.folder.path().join(format!("scratch-{number}"));
    let scratch = ("MEDIAMILL_SCRATCH_DIR", scratch.to_str().unwrap());
    let one = ("MEDIAMILL_RENDER_SLOTS", "1");
    stack.worker_with(&[PIECES, IN_ONE, scratch, one]).await
}

/// Waits until so many pieces of the second film are encoded.
async fn until_done(stack: &Stack, pieces: usize) {
    let done = format!(
        "SELECT count(*) >= {pieces} FROM workflows.attempts JOIN workflows.lanes USING (lane)
         WHERE step = 'render' AND outcome = 'done'
         AND started_at > (SELECT max(created_at) FROM media_files)"
    );
    stack.until_within(Duration::from_mins(10), &done).await;
}

/// A hash of every frame and of every piece of sound that players get, with its time.
async fn frames(playlist: &str) -> String {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-i", playlist]);
    command.args(["-map", "0:v", "-map", "0:a", "-f", "framemd5", "-"]);
    let read = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&read.stderr);
    assert!(read.status.success() && said.is_empty(), "{said}");
    String::from_utf8(read.stdout).unwrap()
}

#[tokio::test]
async fn three_workers_are_killed_and_services_go_away_and_the_film_is_as_if_nothing_had_been() {
    let (stack, mut postgres) = Stack::with_own_postgres().await;
    let mut stack = stack.with_edge();
    let api = stack.api().await;
    let path = film(&stack, "film.mp4", film_seconds()).await;
    let segments = film_seconds().div_ceil(SECONDS) as usize;

    let undisturbed = worker(&stack, WORKERS).await;
    let first = upload(&stack, &api, &path).await;
    let expected = frames(first["cdn_url"].as_str().unwrap()).await;
    undisturbed.kill_9().await;

    // The same film in another file.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend(b"\0\0\0\x08free");
    let path = stack.file("again.mp4", &bytes);
    let mut workers = Vec::new();
    for number in 0..WORKERS {
        workers.push(worker(&stack, number).await);
    }
    let (key, url) = (stack.key.clone(), api.ready.clone());
    let mut sending = crate::process::mediamill(&["upload", "--wait", "--json", "--api", &url]);
    sending.args(["--timeout", "30m"]).arg(&path);
    let sending = tokio::spawn(sending.env("MEDIAMILL_KEY", key).output());
    stack
        .until("SELECT count(*) = 2 FROM media_files WHERE status <> 'PENDING'")
        .await;
    for done in (1..segments).step_by(2) {
        until_done(&stack, done).await;
        let number = done / 2 % WORKERS;
        workers.remove(number).kill_9().await;
        if done == 3 {
            stack.stop_s3().await;
            tokio::time::sleep(outage()).await;
            stack.start_s3().await;
        }
        if done == 5 {
            postgres.stop_immediate().await;
            postgres.restart().await.unwrap();
        }
        workers.insert(number, worker(&stack, number).await);
    }
    let sent = sending.await.unwrap().unwrap();
    assert!(sent.status.success(), "{sent:?}\n{}", stack.logs());
    let sent: serde_json::Value = serde_json::from_slice(&sent.stdout).unwrap();
    let found = frames(sent["file"]["cdn_url"].as_str().unwrap()).await;
    assert!(found == expected, "the frames differ");
    assert!(found.lines().count() > 30 * film_seconds() as usize);
    let [first, again] = [&first, &sent["file"]].map(|file| urls(file, "video").concat());
    let (first, again) = (
        body(&first, "video/mp4").await,
        body(&again, "video/mp4").await,
    );
    assert!(first == again, "the films in one file differ");

    // What was done was not done again, and nothing failed by itself.
    let wrong = "SELECT coalesce(string_agg(step || ' ' || outcome || ' ' || coalesce(error::text, ''), ', '), '')
        FROM workflows.attempts a JOIN workflows.lanes USING (lane)
        WHERE outcome IN ('error', 'rejected', 'cancelled') OR outcome = 'done' AND EXISTS (
            SELECT FROM workflows.attempts b
            WHERE (b.task_id, b.lane) = (a.task_id, a.lane) AND b.outcome = 'done' AND b.token <> a.token)";
    let wrong: String = sqlx::query_scalar(wrong)
        .fetch_one(&stack.pool)
        .await
        .unwrap();
    assert_eq!(wrong, "");
}
