//! Inputs that are brought while a tool reads them.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use sandbox::fill::{Fill, Filling};
use sandbox::{Launcher, Tool, ToolError};
use tempfile::TempDir;

use crate::HELPER;
use crate::tools::tool;

/// Shows the bytes from 5000 to 8000.
const PART: [&str; 6] = ["-An", "-v", "-tu1", "-j5000", "-N3000", "input"];
/// Of the input.
const SIZE: usize = 1 << 20;

/// Writes what is asked for, at once or never, and remembers it.
#[derive(Debug)]
struct Bringer {
    file: File,
    ends: u64,
    asked: Mutex<Vec<Range<u64>>>,
}

/// The byte that stands at `at`.
fn byte(at: u64) -> u8 {
    (at % 251) as u8 + 1
}

impl Fill for Bringer {
    fn fill(&self, range: Range<u64>) -> Filling<'_> {
        Box::pin(async move {
            self.asked.lock().unwrap().push(range.clone());
            if range.end > self.ends {
                return Err(io::Error::other("cannot be had"));
            }
            // Others are served meanwhile.
            tokio::task::yield_now().await;
            let bytes: Vec<u8> = range.clone().map(byte).collect();
            self.file.write_all_at(&bytes, range.start)
        })
    }
}

/// Empties the input of `tool` but for its length. What lies before `ends` can be had.
fn bringer(tool: &Tool, ends: u64) -> Bringer {
    let file = File::options().write(true).open(&tool.input).unwrap();
    file.set_len(0).unwrap();
    file.set_len(SIZE as u64).unwrap();
    Bringer {
        file,
        ends,
        asked: Mutex::default(),
    }
}

async fn output(tool: &Tool, fill: &dyn Fill) -> (Vec<u8>, Result<(), ToolError>) {
    let launcher = Launcher::new(HELPER.into(), vec!["tool".into()]);
    let mut bytes = Vec::new();
    let run = launcher.run_tool(tool, Some(fill), |piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    });
    let limit = Duration::from_mins(2);
    let ended = tokio::time::timeout(limit, run).await;
    (bytes, ended.expect("the tool to end within two minutes"))
}

fn numbers(shown: &[u8]) -> Vec<u8> {
    let shown = std::str::from_utf8(shown).unwrap();
    let numbers = shown.split_whitespace();
    numbers.map(|number| number.parse().unwrap()).collect()
}

#[tokio::test]
async fn what_is_read_is_brought_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let tool = tool(&folder, "od", &PART, SIZE);
    let bringer = bringer(&tool, u64::MAX);
    let (bytes, ended) = output(&tool, &bringer).await;
    ended.unwrap();
    assert_eq!(numbers(&bytes), (5000..8000).map(byte).collect::<Vec<_>>());
    let asked = bringer.asked.into_inner().unwrap();
    assert!(asked.iter().all(|range| range.end <= 8192), "{asked:?}");
}

#[tokio::test]
async fn a_whole_input_is_read_to_its_end() {
    let folder = TempDir::new().unwrap();
    let tool = tool(&folder, "cat", &["input"], SIZE);
    let bringer = bringer(&tool, u64::MAX);
    let (bytes, ended) = output(&tool, &bringer).await;
    ended.unwrap();
    assert!(bytes == (0..SIZE as u64).map(byte).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_cannot_be_brought_ends_the_tool_and_is_not_zeros() {
    let folder = TempDir::new().unwrap();
    let tool = tool(&folder, "od", &PART, SIZE);
    let bringer = bringer(&tool, 4096);
    let (bytes, ended) = output(&tool, &bringer).await;
    let error = ended.unwrap_err();
    let ToolError::Io { source, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(source.to_string(), "cannot be had");
    assert_eq!(numbers(&bytes), [0; 0]);
}

/// A mapping would show zeros, and nobody would ask.
#[tokio::test]
async fn an_input_that_is_brought_cannot_be_mapped() {
    let folder = TempDir::new().unwrap();
    let mut tool = tool(&folder, "cat", &["map-input"], SIZE);
    tool.program = HELPER.into();
    let bringer = bringer(&tool, u64::MAX);
    let (_, ended) = output(&tool, &bringer).await;
    let error = ended.unwrap_err();
    let ToolError::Failed { stderr, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(stderr.contains("Operation not permitted"), "{stderr}");
}

#[tokio::test]
async fn a_tool_that_waits_for_its_input_is_ended_with_its_run() {
    #[derive(Debug)]
    struct Never(std::path::PathBuf);
    impl Fill for Never {
        fn fill(&self, _: Range<u64>) -> Filling<'_> {
            fs::write(&self.0, b"").unwrap();
            Box::pin(std::future::pending())
        }
    }
    let folder = TempDir::new().unwrap();
    let tool = tool(&folder, "cat", &["input"], SIZE);
    bringer(&tool, 0);
    let asked = folder.path().join("asked");
    let never = Never(asked.clone());
    let run = output(&tool, &never);
    let asking = crate::eventually("a read", || asked.exists());
    tokio::select! {
        _ = run => panic!("it ended without its input"),
        () = asking => {}
    }
    let reader = |pid: &Path| {
        let words = fs::read(pid.join("cmdline")).unwrap_or_default();
        words.starts_with(tool.program.to_str().unwrap().as_bytes())
            && fs::read_link(pid.join("cwd")).is_ok_and(|cwd| cwd == tool.folder)
    };
    crate::eventually("the end of the tool", || {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        !processes.into_iter().any(|entry| reader(&entry.path()))
    })
    .await;
}
