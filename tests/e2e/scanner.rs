//! A virus scanner that hangs: its process is there, takes connections, and answers nobody.

use std::{path::Path, process::Command, time::Duration};

use devkit::{Clamd, ClamdOptions};

use media::Sha256;

use crate::{films::make, fixtures::phone_photo, stack::Stack};

/// The daemon's process id, by the folder in its command line.
fn pid_of(folder: &Path) -> String {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let found = processes
        .filter(|process| {
            let words = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            let words = String::from_utf8_lossy(&words).into_owned();
            words.contains("clamd") && words.contains(&*folder.to_string_lossy())
        })
        .map(|process| process.file_name().to_string_lossy().into_owned())
        .collect::<Vec<_>>();
    assert_eq!(found.len(), 1, "one daemon of {}", folder.display());
    found[0].clone()
}

fn signal(signal: &str, pid: &str) {
    let sent = Command::new("kill").args([signal, pid]).status().unwrap();
    assert!(sent.success());
}

#[tokio::test]
async fn a_frozen_scanner_is_noticed_in_seconds_and_nobody_is_charged() {
    let stack = Stack::new().await;
    let folder = tempfile::tempdir().unwrap();
    let clamd = Clamd::start(ClamdOptions::new(folder.path()))
        .await
        .unwrap();
    let api = stack.api().await;
    let _worker = stack.worker_with_clamd(&clamd.addr()).await;
    let pid = pid_of(folder.path());
    signal("-STOP", &pid);
    let photo = stack.file("photo.jpg", &phone_photo(300, 200));
    let noticed = "SELECT EXISTS (SELECT FROM workflows.attempts WHERE outcome = 'unavailable')";
    let freeze = async {
        stack.until_within(Duration::from_secs(40), noticed).await;
        signal("-CONT", &pid);
    };
    let ((well, printed), ()) = tokio::join!(stack.upload(&api, &photo), freeze);
    assert!(well, "{printed}\n{}", stack.logs());
    let charged =
        "SELECT count(*) FROM workflows.attempts WHERE outcome NOT IN ('done', 'unavailable')";
    let charged: i64 = sqlx::query_scalar(charged)
        .fetch_one(&stack.pool)
        .await
        .unwrap();
    assert_eq!(charged, 0, "a scanner that hangs is nobody's error");
    clamd.stop().await;
}

#[tokio::test]
async fn a_file_larger_than_the_scanner_takes_is_scanned_in_pieces_that_overlap() {
    const PIECE: usize = 4 << 20;
    let stack = Stack::new().await;
    let folder = tempfile::tempdir().unwrap();
    let clamd = Clamd::start(ClamdOptions {
        max_file_mib: 5,
        ..ClamdOptions::new(folder.path())
    });
    let clamd = clamd.await.unwrap();
    let api = stack.api().await;
    let settings = [
        ("MEDIAMILL_CLAMD", &*clamd.addr()),
        ("MEDIAMILL_SCAN_PIECE_BYTES", &PIECE.to_string()),
    ];
    let _worker = stack.worker_with(&settings).await;
    let sound = make(
        &stack,
        "long.wav",
        "-f lavfi -i sine=d=60 -ac 2 -c:a pcm_s16le",
    );
    let mut sound = std::fs::read(sound.await).unwrap();
    assert!(sound.len() > 2 * PIECE);
    let (well, printed) = stack.upload(&api, &stack.file("clean.wav", &sound)).await;
    assert!(well, "{printed}\n{}", stack.logs());
    assert_eq!(printed["file"]["sha256"], Sha256::of(&sound).to_hex());

    let (eicar, border) = (scanner::eicar(), PIECE - 30);
    sound[border..border + eicar.len()].copy_from_slice(&eicar);
    let (well, printed) = stack
        .upload(&api, &stack.file("infected.wav", &sound))
        .await;
    assert!(!well, "{printed}");
    assert_eq!(printed["file"]["rejection"]["code"], "infected");
    clamd.stop().await;
}
