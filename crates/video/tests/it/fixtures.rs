//! Films made for the tests, and the tools to look at what came of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use sandbox::Launcher;
use video::exec::{Tools, limits_of_a_look};
use video::probe::{ProbeError, Refusal, VideoLimits, VideoProbe};

/// The tools, started by way of the helper, as the service starts them by way of itself.
pub fn tools() -> Tools {
    let helper = PathBuf::from(env!("CARGO_BIN_EXE_video-test-helper"));
    Tools::new(Launcher::new(helper, vec!["tool".into()])).unwrap()
}

/// Makes `name` in `folder` with the words of `line`, outside of any sandbox.
pub fn make(folder: &Path, name: &str, line: &str) -> PathBuf {
    let path = folder.join(name);
    run(&format!("-y {line}"), &path);
    path
}

/// A picture whose columns are the bits of its number, black and white.
pub fn numbered(rate: &str, seconds: u32) -> String {
    format!(
        "-f lavfi -i color=black:s=128x72:r={rate}:d={seconds},format=yuv420p,\
         geq=lum='if(mod(floor(N/pow(2,floor(X/8))),2),235,16)':cb=128:cr=128"
    )
}

fn run(line: &str, path: &Path) {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error"])
        .args(line.split_whitespace())
        .arg(path)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// What ffprobe shows of `path`, a line for each thing.
pub fn shown(path: &Path, entries: &str) -> Vec<String> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "csv=p=0", "-show_entries", entries])
        .arg(path)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| line.trim_end_matches(',').to_owned())
        .collect()
}

/// Every picture of `path` as `width` × `height` grey bytes.
pub fn grey(path: &Path, width: u32, height: u32) -> Vec<Vec<u8>> {
    let scale = format!("scale={width}:{height}:flags=area,format=gray");
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(path)
        .args([
            "-vf",
            &scale,
            "-fps_mode",
            "passthrough",
            "-f",
            "rawvideo",
            "-",
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let size = (width * height) as usize;
    output.stdout.chunks(size).map(<[u8]>::to_vec).collect()
}

/// The numbers of [`numbered`] pictures.
pub fn numbers(path: &Path) -> Vec<u32> {
    let number = |columns: Vec<u8>| {
        let bits = columns.iter().enumerate().filter(|(_, grey)| **grey > 125);
        bits.map(|(at, _)| 1 << at).sum()
    };
    grey(path, 16, 1).into_iter().map(number).collect()
}

/// Looks at `film` with the limits that are usual.
pub async fn probe(film: &Path) -> Result<VideoProbe, ProbeError> {
    probe_within(film, &VideoLimits::default()).await
}

/// Looks at `film` with other limits.
pub async fn probe_within(film: &Path, limits: &VideoLimits) -> Result<VideoProbe, ProbeError> {
    let scratch = tempfile::tempdir().unwrap();
    video::probe::probe(&tools(), film, scratch.path(), limits, &limits_of_a_look()).await
}

/// The refusal of a film that is not taken in.
pub fn refused(result: Result<VideoProbe, ProbeError>) -> Refusal {
    match result {
        Err(ProbeError::Refused(refusal)) => *refusal,
        other => panic!("not refused: {other:?}"),
    }
}
