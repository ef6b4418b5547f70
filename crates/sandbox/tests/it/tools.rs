//! Programs of others, as this machine has them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use sandbox::{Launcher, Limits, Manner, Resource, Tool, ToolError};
use tempfile::TempDir;

use crate::HELPER;

/// A run of `program` in `folder` over an input of `size` bytes.
pub fn tool(folder: &TempDir, program: &str, args: &[&str], size: usize) -> Tool {
    let input = folder.path().join("outside");
    fs::write(&input, vec![b'x'; size]).unwrap();
    let scratch = folder.path().join("scratch");
    fs::create_dir(&scratch).unwrap();
    Tool {
        program: Tool::find(program).unwrap(),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        input,
        folder: scratch,
        manner: Manner::Filter,
        environment: Vec::new(),
        sees: Vec::new(),
        limits: Limits {
            memory_bytes: 256 << 20,
            cpu_seconds: 1,
            file_bytes: 1 << 20,
            output_bytes: 1 << 40,
            wall: Duration::from_mins(2),
        },
    }
}

async fn said(tool: &Tool) -> Result<Vec<String>, ToolError> {
    let launcher = Launcher::new(HELPER.into(), vec!["tool".into()]);
    let mut lines = Vec::new();
    let heard = launcher.run_tool(tool, None, |line| {
        lines.push(String::from_utf8_lossy(line).into_owned());
        Ok(())
    });
    heard.await.map(|()| lines)
}

#[test]
fn a_tool_that_was_taken_over_reaches_nothing() {
    assert_eq!(escapes("tool-escape"), "escaped: []");
}

#[test]
fn a_suite_that_was_taken_over_reaches_nothing_but_folders_in_its_own() {
    assert_eq!(escapes("suite-escape"), r#"escaped: ["make a folder"]"#);
}

/// What came of every way out that the helper knows.
fn escapes(deed: &str) -> String {
    let folder = TempDir::new().unwrap();
    let mut child = Command::new(HELPER)
        .arg(deed)
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Its life line: it would end when this is dropped.
    let life_line = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(life_line);
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(!said.is_empty(), "{complained}");
    assert!(!Path::new("/tmp/tool-escape").exists());
    said.trim().to_owned()
}

#[tokio::test]
async fn a_tool_reads_its_input_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let lines = said(&tool(&folder, "cat", &[Tool::INPUT], 3))
        .await
        .unwrap();
    assert_eq!(lines, ["xxx"]);

    let folder = TempDir::new().unwrap();
    let error = said(&tool(&folder, "cat", &["/etc/passwd"], 3))
        .await
        .unwrap_err();
    let ToolError::Failed { code, stderr, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(*code, Some(1));
    assert!(stderr.contains("Permission denied"), "{stderr}");
    assert!(
        error
            .to_string()
            .starts_with("the child ended with exit code 1: ")
    );
}

#[tokio::test]
async fn a_tool_that_takes_too_much_is_stopped_with_the_name_of_the_limit() {
    let spin: &[&str] = &["BEGIN { while (1); }"];
    let fill: &[&str] = &[r#"BEGIN { while (1) print "one more line" > "output" }"#];
    for (program, args, expected) in [
        ("awk", spin, Resource::Cpu),
        ("yes", &[], Resource::Output),
        ("awk", fill, Resource::FileSize),
        ("sleep", &["60"], Resource::WallTime),
    ] {
        let folder = TempDir::new().unwrap();
        let mut tool = tool(&folder, program, args, 3);
        match expected {
            Resource::Output => tool.limits.output_bytes = 1 << 16,
            Resource::WallTime => tool.limits.wall = Duration::from_millis(300),
            _ => {}
        }
        match said(&tool).await {
            Err(ToolError::LimitHit { resource, .. }) => assert_eq!(resource, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_program_that_is_no_program_is_our_failure() {
    let folder = TempDir::new().unwrap();
    let mut tool = tool(&folder, "cat", &[], 3);
    tool.program = "/etc/passwd".into();
    let error = said(&tool).await.unwrap_err();
    assert!(matches!(error, ToolError::Io { .. }), "{error:?}");
}
