//! One second of film from beginning to end: shows that this machine can work on films, and not only that it has the
//! tools.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::encode::{self, Desk, EncodeError};
use crate::exec::{Tools, limits_of_a_look};
use crate::gate::{self, Folder};
use crate::hls::{self, Film};
use crate::plan::{Plan, PlanSettings};
use crate::probe::{ProbeError, VideoLimits, probe};

/// A second of H.264 and AAC, part of the program.
const FILM: &[u8] = include_bytes!("trial/film.mp4");

/// Why a second of film could not be worked on.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// It could not be looked at.
    #[error("a film cannot be looked at")]
    Probe(#[from] ProbeError),
    /// Something of it could not be made.
    #[error("a film cannot be encoded")]
    Encode(#[from] EncodeError),
    /// This machine's disk.
    #[error("a film cannot be written to the scratch folder")]
    Disk(#[from] std::io::Error),
    /// What came out is not as it must be.
    #[error("what was encoded breaks {0} rule(s) of HLS")]
    Broken(usize),
}

/// Makes everything of it in `folder`, which is empty. Returns how long that took.
pub async fn one_second(tools: &Tools, folder: &Path) -> Result<Duration, TrialError> {
    let begun = Instant::now();
    let (sample, made) = (folder.join("film.mp4"), folder.join("made"));
    tokio::fs::write(&sample, FILM).await?;
    tokio::fs::create_dir(&made).await?;
    let limits = limits_of_a_look();
    let probe = probe(tools, &sample, &made, &VideoLimits::default(), &limits).await?;
    let plan = Plan::new(&probe, &PlanSettings::default());
    let mut film = Film::default();
    for task in plan.tasks() {
        let limits = encode::limits(&plan, task, 1);
        let desk = Desk {
            tools,
            file: &sample,
            folder: &made,
            limits: &limits,
            threads: 1,
        };
        film.add(&plan, task, encode::run(desk, &plan, task, |_| ()).await?);
    }
    for (name, text) in hls::write(&plan, &film, &hls::beside) {
        tokio::fs::write(made.join(name), text).await?;
    }
    let report = tokio::task::spawn_blocking(move || gate::check(&Folder::new(&made), &plan));
    let report = report.await.map_err(std::io::Error::other)?;
    if report.passed() {
        Ok(begun.elapsed())
    } else {
        Err(TrialError::Broken(report.findings.len()))
    }
}
