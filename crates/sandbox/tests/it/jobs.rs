//! Jobs in real child processes: honest ones, hostile ones, and ones whose parent goes away.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::libc;
use sandbox::{Launcher, Limits, Mode, Resource, SandboxError};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::measure::{Measure, Refused};
use crate::{HELPER, eventually, is_gone, pid_in};

fn launcher(deed: &str) -> Launcher {
    Launcher::new(HELPER.into(), vec![deed.into()])
}

fn input() -> File {
    file(b"eleven byte")
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn limits() -> Limits {
    Limits {
        memory_bytes: 256 << 20,
        cpu_seconds: 1,
        wall: Duration::from_mins(2),
        file_bytes: 1 << 20,
        output_bytes: 1 << 18,
    }
}

async fn measure(
    deed: &str,
    input: File,
    folder: &Path,
    limits: &Limits,
) -> Result<u64, SandboxError<Refused>> {
    let cancel = CancellationToken::new();
    let launcher = launcher(deed);
    launcher.run(&Measure, input, folder, limits, &cancel).await
}

/// What comes of a child that was taken over and does `deed`.
async fn error_of(deed: &str) -> SandboxError<Refused> {
    let folder = TempDir::new().unwrap();
    let done = measure(deed, input(), folder.path(), &limits()).await;
    done.unwrap_err()
}

#[tokio::test]
async fn a_job_is_done_in_a_confined_child() {
    let folder = TempDir::new().unwrap();
    let mut input = input();
    input.seek(SeekFrom::End(0)).unwrap(); // where a writer left it
    let length = measure("work", input, folder.path(), &limits()).await;
    assert_eq!(length.unwrap(), 11);
    assert_eq!(
        fs::read(folder.path().join("copy")).unwrap(),
        b"eleven byte"
    );
}

#[tokio::test]
async fn a_refused_input_says_why() {
    let folder = TempDir::new().unwrap();
    let error = measure("work", file(b"bad"), folder.path(), &limits()).await;
    let Err(SandboxError::Rejected(refused)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(refused, Refused("bad".to_owned()));
}

#[tokio::test]
async fn a_hostile_child_finds_no_way_out() {
    let SandboxError::Io { source, .. } = error_of("escape").await else {
        panic!("no list")
    };
    assert_eq!(source.to_string(), "escaped: []");
    assert!(!Path::new("/tmp/decoder-escape").exists());
}

#[tokio::test]
async fn a_child_that_takes_too_much_is_stopped_by_the_kernel() {
    for (deed, expected) in [
        ("allocate", Resource::Memory),
        ("spin", Resource::Cpu),
        ("fill", Resource::FileSize),
    ] {
        let error = error_of(deed).await;
        let SandboxError::LimitHit { resource, .. } = error else {
            panic!("{deed}: {error:?}")
        };
        assert_eq!(resource, expected);
    }
}

#[tokio::test]
async fn a_child_that_never_answers_is_stopped_by_the_clock() {
    let folder = TempDir::new().unwrap();
    let limits = Limits {
        wall: Duration::from_millis(300),
        ..limits()
    };
    let error = measure("block", input(), folder.path(), &limits).await;
    assert!(matches!(
        error,
        Err(SandboxError::LimitHit {
            resource: Resource::WallTime,
            ..
        })
    ));
    let pid = pid_in(folder.path()).await;
    eventually("the child's end", || is_gone(pid)).await;
}

#[tokio::test]
async fn a_crash_and_a_panic_are_told_apart_from_refusals() {
    let error = error_of("abort").await;
    assert!(
        matches!(
            error,
            SandboxError::Failed {
                signal: Some(libc::SIGABRT),
                ..
            }
        ),
        "{error:?}"
    );
    let error = error_of("panic").await;
    let SandboxError::Failed {
        signal: None,
        stderr,
        ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert!(stderr.contains("as code might"));
}

#[tokio::test]
async fn an_answer_that_is_endless_or_none_is_not_believed() {
    for deed in ["babble", "mumble"] {
        let error = error_of(deed).await;
        // An endless answer may also use up its CPU time first.
        let expected = matches!(
            error,
            SandboxError::Protocol(_)
                | SandboxError::LimitHit {
                    resource: Resource::Cpu,
                    ..
                }
        );
        assert!(expected, "{deed}: {error:?}");
    }
}

#[tokio::test]
async fn cancelling_ends_the_child_at_once() {
    let folder = TempDir::new().unwrap();
    let cancel = CancellationToken::new();
    let (launcher, limits) = (launcher("block"), limits());
    let work = launcher.run(&Measure, input(), folder.path(), &limits, &cancel);
    let cancelled = async {
        let pid = pid_in(folder.path()).await;
        cancel.cancel();
        (pid, Instant::now())
    };
    let (result, (pid, since)) = tokio::join!(work, cancelled);
    assert!(matches!(result, Err(SandboxError::Cancelled)));
    eventually("the child's end", || is_gone(pid)).await;
    assert!(since.elapsed() < Duration::from_secs(10));

    let again = launcher
        .run(&Measure, input(), folder.path(), &limits, &cancel)
        .await;
    assert!(matches!(again, Err(SandboxError::Cancelled)));
}

#[tokio::test]
async fn dropping_the_call_ends_the_child() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_owned();
    let call = tokio::spawn(async move { measure("block", input(), &path, &limits()).await });
    let pid = pid_in(folder.path()).await;
    call.abort();
    eventually("the child's end", || is_gone(pid)).await;
}

#[tokio::test]
async fn a_child_does_not_outlive_a_parent_that_is_killed() {
    let folder = TempDir::new().unwrap();
    let mut parent = Command::new(HELPER)
        .arg("parent")
        .arg(folder.path())
        .spawn()
        .unwrap();
    let pid = pid_in(folder.path()).await;
    assert!(!is_gone(pid));
    parent.kill().unwrap();
    parent.wait().unwrap();
    eventually("the orphan's end", || is_gone(pid)).await;
}

#[tokio::test]
async fn without_landlock_it_refuses_unless_told_otherwise() {
    let (limits, cancel) = (limits(), CancellationToken::new());
    let folder = TempDir::new().unwrap();
    let blind = launcher("work-without-landlock");
    let refused = blind
        .run(&Measure, input(), folder.path(), &limits, &cancel)
        .await;
    assert!(matches!(refused, Err(SandboxError::Sandbox(reason)) if reason.contains("landlock")));

    let tolerant = blind.with_mode(Mode::BestEffort);
    let folder = TempDir::new().unwrap();
    let done = tolerant
        .run(&Measure, input(), folder.path(), &limits, &cancel)
        .await;
    assert_eq!(done.unwrap(), 11);
}

#[tokio::test]
async fn a_program_that_is_missing_is_our_failure() {
    let launcher = Launcher::new("/nonexistent/helper".into(), vec![]);
    let (limits, cancel) = (limits(), CancellationToken::new());
    let done = launcher
        .run(&Measure, input(), Path::new("/"), &limits, &cancel)
        .await;
    assert!(matches!(done, Err(SandboxError::Io { .. })));
}
