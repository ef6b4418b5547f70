//! What ffmpeg may use, and what is left of it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use sandbox::{Limits, Resource, ToolError};
use video::encode::{Desk, EncodeError, run};
use video::plan::{Plan, PlanSettings, Task};

use crate::converted::limits;
use crate::fixtures::{make, numbered, probe, tools};

/// Takes minutes to encode if nobody stops it.
const ENDLESS: &str = "-f lavfi -i testsrc2=s=1280x720:r=50:d=60 -c:v mpeg4 -q:v 8";

#[tokio::test]
async fn tools_say_their_versions_confined() {
    let folder = tempfile::tempdir().unwrap();
    let versions = tools().versions(folder.path()).await.unwrap();
    let names: Vec<_> = versions
        .iter()
        .map(|line| line.split(" version ").next().unwrap())
        .collect();
    assert_eq!(names, ["ffmpeg", "ffprobe"]);
}

#[tokio::test]
async fn a_second_of_film_goes_all_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let took = video::trial::one_second(&tools(), folder.path()).await;
    assert!(took.unwrap() < Duration::from_mins(1));
}

#[tokio::test]
async fn each_limit_of_a_tool_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let film = make(folder.path(), "film.avi", ENDLESS);
    for (resource, limits) in [
        (
            Resource::WallTime,
            Limits {
                wall: Duration::from_secs(2),
                ..limits()
            },
        ),
        (
            Resource::Cpu,
            Limits {
                cpu_seconds: 1,
                ..limits()
            },
        ),
        (
            Resource::FileSize,
            Limits {
                file_bytes: 1000,
                ..limits()
            },
        ),
        (
            Resource::Memory,
            Limits {
                memory_bytes: 300 << 20,
                ..limits()
            },
        ),
    ] {
        match encode(&film, &limits).await {
            Err(EncodeError::Tool(ToolError::LimitHit { resource: hit, .. })) => {
                assert_eq!(hit, resource);
            }
            other => panic!("{resource}: {other:?}"),
        }
    }
}

async fn encode(film: &Path, limits: &Limits) -> Result<video::encode::Made, EncodeError> {
    let plan = Plan::new(&probe(film).await.unwrap(), &PlanSettings::default());
    let (tools, scratch) = (tools(), tempfile::tempdir().unwrap());
    let desk = Desk {
        tools: &tools,
        file: film,
        folder: scratch.path(),
        limits,
        threads: 1,
    };
    run(desk, &plan, Task::Chunk(0), |_| ()).await
}

#[tokio::test]
async fn a_tool_ends_with_whoever_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let film = make(folder.path(), "film.avi", ENDLESS);
    let plan = Plan::new(&probe(&film).await.unwrap(), &PlanSettings::default());
    let (tools, scratch, limits) = (tools(), tempfile::tempdir().unwrap(), limits());
    let desk = Desk {
        tools: &tools,
        file: &film,
        folder: scratch.path(),
        limits: &limits,
        threads: 1,
    };
    let work = run(desk, &plan, Task::Chunk(0), |_| ());
    let begun = until("a tool is at work", || !at_work(scratch.path()).is_empty());
    tokio::select! {
        ended = work => panic!("it ended by itself: {ended:?}"),
        () = begun => {} // and the work is dropped
    }
    until("the tool is gone", || at_work(scratch.path()).is_empty()).await;
}

#[tokio::test]
async fn a_tool_ends_with_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let film = make(folder.path(), "film.avi", ENDLESS);
    let scratch = tempfile::tempdir().unwrap();
    let mut service = Command::new(env!("CARGO_BIN_EXE_video-test-helper"))
        .arg("service")
        .args([&film, scratch.path()])
        .spawn()
        .unwrap();
    // Its look at the film, then its encode.
    let encoding = || {
        at_work(scratch.path())
            .iter()
            .any(|name| name.contains("ffmpeg"))
    };
    until("a tool is at work", encoding).await;
    service.kill().unwrap();
    service.wait().unwrap();
    until("the tool is gone", || at_work(scratch.path()).is_empty()).await;
}

#[tokio::test]
async fn progress_is_told_and_reaches_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{} -c:v libx264 -preset ultrafast", numbered("25", 4));
    let film = make(folder.path(), "film.mp4", &line);
    let plan = Plan::new(&probe(&film).await.unwrap(), &PlanSettings::default());
    let (tools, scratch, limits) = (tools(), tempfile::tempdir().unwrap(), limits());
    let desk = Desk {
        tools: &tools,
        file: &film,
        folder: scratch.path(),
        limits: &limits,
        threads: 1,
    };
    let mut told = Vec::new();
    run(desk, &plan, Task::Chunk(0), |progress| told.push(progress))
        .await
        .unwrap();
    let last = told.last().unwrap();
    assert_eq!((last.frames, last.ended), (100, true));
}

/// The programs whose current folder is `folder`.
fn at_work(folder: &Path) -> Vec<String> {
    let processes = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    let here = processes
        .filter(|process| std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == folder));
    here.map(|process| std::fs::read_to_string(process.join("cmdline")).unwrap_or_default())
        .collect()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(
            Instant::now() < deadline,
            "a minute has passed, and it is not so: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
