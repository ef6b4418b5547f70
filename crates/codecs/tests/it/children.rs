//! Real child processes: honest ones, hostile ones, and ones whose parent goes away.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use codecs::{
    DecodeError, Format, ImageLimits, Launcher, RejectCode, RenderPlan, RenderedImage, Resource,
    Sandbox,
};
use nix::libc;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::fixtures::{Picture, jpeg_rgb, noise, plan, png_rgb, with_exif};

const HELPER: &str = env!("CARGO_BIN_EXE_codecs-test-helper");

fn launcher(deed: &str) -> Launcher {
    Launcher::new(HELPER.into(), vec![deed.into()])
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn photo() -> File {
    file(&with_exif(&jpeg_rgb(&noise(320, 200), 320, 200), 6))
}

fn small_limits() -> ImageLimits {
    ImageLimits {
        memory_bytes: 256 << 20,
        cpu_seconds: 1,
        ..ImageLimits::default()
    }
}

async fn render(
    deed: &str,
    input: File,
    plan: &RenderPlan,
    folder: &Path,
    limits: &ImageLimits,
) -> Result<Vec<RenderedImage>, DecodeError> {
    launcher(deed)
        .render_image(input, plan, folder, limits, &CancellationToken::new())
        .await
}

/// What comes of a child that was taken over and does `deed`.
async fn error_of(deed: &str) -> DecodeError {
    let folder = TempDir::new().unwrap();
    render(
        deed,
        photo(),
        &plan(&[None]),
        folder.path(),
        &small_limits(),
    )
    .await
    .unwrap_err()
}

/// Waits for `condition`, which must come true well within five seconds.
async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !condition() {
        assert!(Instant::now() < deadline, "still waiting: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The process that a hostile child wrote down before it was confined.
async fn pid_in(folder: &Path) -> i32 {
    let read = || fs::read_to_string(folder.join("pid")).ok()?.parse().ok();
    eventually("a child", || read().is_some()).await;
    read().unwrap()
}

fn is_gone(pid: i32) -> bool {
    // A process that is only waiting to be reaped does nothing any more.
    fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

#[tokio::test]
async fn a_photo_is_probed_and_rendered_in_a_confined_child() {
    let limits = ImageLimits::default();
    let cancel = CancellationToken::new();
    let mut input = photo();
    input.seek(SeekFrom::End(0)).unwrap(); // where a writer left it
    let copy = input.try_clone().unwrap();
    let probe = launcher("decode")
        .probe_image(copy, &limits, &cancel)
        .await
        .unwrap();
    assert_eq!(
        (probe.format, probe.width, probe.height),
        (Format::Jpeg, 200, 320)
    );

    let folder = TempDir::new().unwrap();
    let plan = plan(&[Some(640), Some(64), Some(128), None]);
    let images = render("decode", input, &plan, folder.path(), &limits)
        .await
        .unwrap();
    let names: Vec<_> = images.iter().map(|image| &*image.name).collect();
    assert_eq!(names, ["out-1", "out-2", "out-3"]);
    for image in &images {
        let bytes = fs::read(folder.path().join(format!("{}.webp", image.name))).unwrap();
        let picture = Picture::open(&bytes);
        assert_eq!((image.width, image.height), (picture.width, picture.height));
        assert_eq!(image.size_bytes, bytes.len() as u64);
    }
    let files = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 3, "the file of the output that was left out is gone");
}

#[tokio::test]
async fn a_refused_file_says_why() {
    let bomb = [
        &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x01\x86\xA0\0\x01\x86\xA0"[..],
        &[8, 6, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    let cases = [
        (&bomb[..], RejectCode::TooWide),
        (b"PK\x03\x04", RejectCode::UnsupportedType),
    ];
    for (bytes, code) in cases {
        let limits = ImageLimits {
            memory_bytes: 64 << 20,
            ..ImageLimits::default()
        };
        let cancel = CancellationToken::new();
        let error = launcher("decode")
            .probe_image(file(bytes), &limits, &cancel)
            .await
            .unwrap_err();
        assert_eq!(error.reject_code(), Some(code), "{error:?}");
    }
}

#[tokio::test]
async fn a_file_over_the_size_limit_is_not_read() {
    let limits = ImageLimits {
        max_input_bytes: 1000,
        ..ImageLimits::default()
    };
    let folder = TempDir::new().unwrap();
    let error = render("decode", photo(), &plan(&[None]), folder.path(), &limits).await;
    assert_eq!(
        error.unwrap_err().reject_code(),
        Some(RejectCode::FileTooLarge)
    );
}

#[tokio::test]
async fn a_picture_that_needs_more_memory_than_allowed_is_the_files_fault() {
    let bytes = png_rgb(&vec![9; 6000 * 4000 * 3], 6000, 4000);
    let limits = ImageLimits {
        memory_bytes: 64 << 20,
        ..ImageLimits::default()
    };
    let folder = TempDir::new().unwrap();
    let error = render(
        "decode",
        file(&bytes),
        &plan(&[None]),
        folder.path(),
        &limits,
    )
    .await;
    let error = error.unwrap_err();
    assert!(
        matches!(&error, DecodeError::LimitHit { resource: Resource::Memory, allowed } if allowed == "64 MiB"),
        "{error:?}"
    );
    assert_eq!(error.reject_code(), Some(RejectCode::DecodeLimitExceeded));
}

#[tokio::test]
async fn a_hostile_child_finds_no_way_out() {
    let DecodeError::Io { source, .. } = error_of("escape").await else {
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
        ("fill", Resource::OutputSize),
    ] {
        let error = error_of(deed).await;
        let DecodeError::LimitHit { resource, .. } = error else {
            panic!("{deed}: {error:?}")
        };
        assert_eq!(resource, expected);
    }
}

#[tokio::test]
async fn a_child_that_never_answers_is_stopped_by_the_clock() {
    let folder = TempDir::new().unwrap();
    let limits = ImageLimits {
        wall: Duration::from_millis(300),
        ..ImageLimits::default()
    };
    let error = render("block", photo(), &plan(&[None]), folder.path(), &limits).await;
    assert!(matches!(
        error,
        Err(DecodeError::LimitHit {
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
            DecodeError::Crashed {
                signal: Some(libc::SIGABRT),
                ..
            }
        ),
        "{error:?}"
    );
    let error = error_of("panic").await;
    let DecodeError::Crashed {
        signal: None,
        stderr,
    } = &error
    else {
        panic!("{error:?}")
    };
    assert!(stderr.contains("as a decoder might"));
    assert_eq!(error.reject_code(), None);
}

#[tokio::test]
async fn an_answer_that_is_endless_or_untrue_is_not_believed() {
    for deed in ["babble", "lie", "mumble"] {
        let error = error_of(deed).await;
        // An endless answer may also use up its CPU time first.
        let expected = matches!(
            error,
            DecodeError::Protocol(_)
                | DecodeError::LimitHit {
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
    let (launcher, plan, limits) = (launcher("block"), plan(&[None]), ImageLimits::default());
    let render = launcher.render_image(photo(), &plan, folder.path(), &limits, &cancel);
    let cancelled = async {
        let pid = pid_in(folder.path()).await;
        cancel.cancel();
        (pid, Instant::now())
    };
    let (result, (pid, since)) = tokio::join!(render, cancelled);
    assert!(matches!(result, Err(DecodeError::Cancelled)));
    eventually("the child's end", || is_gone(pid)).await;
    assert!(since.elapsed() < Duration::from_secs(1));

    let again = launcher.probe_image(photo(), &limits, &cancel).await;
    assert!(matches!(again, Err(DecodeError::Cancelled)));
}

#[tokio::test]
async fn dropping_the_call_ends_the_child() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_owned();
    let call = tokio::spawn(async move {
        render(
            "block",
            photo(),
            &plan(&[None]),
            &path,
            &ImageLimits::default(),
        )
        .await
    });
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
    let (limits, cancel) = (ImageLimits::default(), CancellationToken::new());
    let blind = launcher("decode-without-landlock");
    let refused = blind.probe_image(photo(), &limits, &cancel).await;
    assert!(matches!(refused, Err(DecodeError::Sandbox(reason)) if reason.contains("landlock")));

    let tolerant = blind.with_sandbox(Sandbox::BestEffort);
    let probe = tolerant
        .probe_image(photo(), &limits, &cancel)
        .await
        .unwrap();
    assert_eq!(probe.format, Format::Jpeg);
}

#[tokio::test]
async fn a_plan_that_makes_no_sense_starts_nothing() {
    let folder = TempDir::new().unwrap();
    let mut plan = plan(&[None]);
    "../escape".clone_into(&mut plan.outputs[0].name);
    let error = render(
        "decode",
        photo(),
        &plan,
        folder.path(),
        &ImageLimits::default(),
    )
    .await;
    assert!(matches!(error, Err(DecodeError::InvalidPlan(_))));
}

#[tokio::test]
async fn a_program_that_is_missing_is_our_failure() {
    let launcher = Launcher::new("/nonexistent/helper".into(), vec![]);
    let (limits, cancel) = (ImageLimits::default(), CancellationToken::new());
    let error = launcher
        .probe_image(photo(), &limits, &cancel)
        .await
        .unwrap_err();
    assert!(matches!(error, DecodeError::Io { .. }));
}
