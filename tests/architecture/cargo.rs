//! What cargo says of the workspace.

use std::{collections::BTreeSet, path::Path, process::Command};

use serde_json::Value;

/// Our crates and what they declare.
pub struct Workspace(Value);

impl Workspace {
    pub fn read() -> Self {
        let metadata = cargo(&["metadata", "--format-version=1", "--no-deps", "--offline"]);
        Self(serde_json::from_str(&metadata).unwrap())
    }

    pub fn members(&self) -> &[Value] {
        list(&self.0, "packages")
    }

    /// Every dependency on somebody else's crate, with the crate of ours that declares it.
    pub fn direct_dependencies(&self) -> impl Iterator<Item = (&Value, &Value)> {
        self.members().iter().flat_map(|member| {
            let dependencies = list(member, "dependencies").iter();
            dependencies
                .filter(|found| found["path"].is_null())
                .map(move |found| (member, found))
        })
    }
}

/// A crate that is built with ours, or for its build.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Built {
    pub name: String,
    pub version: String,
    /// An SPDX expression; empty where the crate declares none.
    pub licence: String,
}

/// Every crate that is built on Linux. From `cargo tree`, because `cargo metadata` also lists what
/// no chosen feature needs.
pub fn everything_built() -> BTreeSet<Built> {
    let tree = cargo(&[
        "tree",
        "--workspace",
        "--offline",
        "--target=x86_64-unknown-linux-gnu",
        "--edges=normal,build,dev",
        "--prefix=none",
        "--format={p}|{l}",
    ]);
    tree.lines()
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (package, licence) = line.split_once('|').unwrap();
            let mut words = package.split(' ');
            Built {
                name: words.next().unwrap().into(),
                version: words.next().unwrap().trim_start_matches('v').into(),
                // The mark of a line that came before.
                licence: licence.trim_end_matches(" (*)").into(),
            }
        })
        .collect()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap()
}
