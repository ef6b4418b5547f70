//! The modules of the engine use each other in one direction, as crates do.

use std::{collections::BTreeSet, fs, path::Path};

use super::{cargo::root, rust_files};

/// Which of the engine's modules each may use. Only those above it stand in its list, so there is no
/// circle.
const ARROWS: [(&str, &[&str]); 8] = [
    ("define", &[]),
    ("protocol", &["define"]),
    ("store", &["define", "protocol"]),
    ("client", &["define", "protocol", "store"]),
    ("worker", &["define", "protocol", "store"]),
    ("admin", &["define", "protocol", "store"]),
    (
        "maintenance",
        &["define", "protocol", "store", "worker", "admin"],
    ),
    (
        "engine",
        &[
            "define",
            "store",
            "client",
            "worker",
            "admin",
            "maintenance",
        ],
    ),
];

#[test]
fn the_engines_modules_use_each_other_in_one_direction() {
    let found = found();
    let mut above = BTreeSet::new();
    for (module, uses) in ARROWS {
        let below: Vec<_> = uses.iter().filter(|used| !above.contains(*used)).collect();
        assert!(
            below.is_empty(),
            "{module} may use {below:?}, which stand below it"
        );
        above.insert(module);
    }
    let folder = root().join("workflows/src");
    let folders: BTreeSet<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name != "lib.rs")
        .collect();
    let known: BTreeSet<String> = above.iter().map(|module| (*module).to_owned()).collect();
    assert_eq!(folders, known, "ARROWS must name the engine's modules");

    let allowed: BTreeSet<(String, String)> = ARROWS
        .iter()
        .flat_map(|(module, uses)| uses.iter().map(|used| arrow(module, used)))
        .collect();
    let wrong: Vec<_> = found
        .iter()
        .filter(|(file, used)| !allowed.contains(&arrow(top(file), used)))
        .collect();
    assert!(wrong.is_empty(), "against the arrows: {wrong:#?}");
    let used: BTreeSet<_> = found
        .iter()
        .map(|(file, used)| arrow(top(file), used))
        .collect();
    let stale: Vec<_> = allowed.difference(&used).collect();
    assert!(stale.is_empty(), "arrows that nothing uses: {stale:?}");
}

fn arrow(from: &str, to: &str) -> (String, String) {
    (from.to_owned(), to.to_owned())
}

/// The module of a file, by its path below `src`.
fn top(file: &str) -> &str {
    file.split('/').next().unwrap_or(file)
}

/// Which file uses which other module. Tests, and what the crate shows of itself, are free.
fn found() -> BTreeSet<(String, String)> {
    let folder = root().join("workflows/src");
    let mut found = BTreeSet::new();
    for file in rust_files(&folder) {
        let name = file.strip_prefix(&folder).unwrap().display().to_string();
        if name == "lib.rs" || name.ends_with("tests.rs") || name.contains("/tests/") {
            continue;
        }
        let source = code(&fs::read_to_string(&file).unwrap());
        for used in uses(&source, depth(&name)) {
            if used != top(&name) {
                found.insert((name.clone(), used));
            }
        }
    }
    found
}

/// The source without its comments and its tests.
fn code(source: &str) -> String {
    let lines = source
        .lines()
        .take_while(|line| *line != "#[cfg(test)]")
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// How many modules a file is below the crate's root.
fn depth(name: &str) -> usize {
    let parts = Path::new(name).with_extension("").components().count();
    if name.ends_with("/mod.rs") {
        parts - 1
    } else {
        parts
    }
}

/// The modules right below the crate's root that a file of this depth names, in paths from the root
/// or through so many `super` that they lead there.
fn uses(source: &str, depth: usize) -> BTreeSet<String> {
    let from_the_root = ["crate::".to_owned(), "super::".repeat(depth)];
    let mut found = BTreeSet::new();
    for start in &from_the_root {
        for (at, _) in source.match_indices(start.as_str()) {
            let before = source[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            found.extend(heads(&source[at + start.len()..]));
        }
    }
    found
}

/// The first words of a path: one, or each of a list in braces.
fn heads(path: &str) -> Vec<String> {
    let Some(list) = path.strip_prefix('{') else {
        return vec![word(path)];
    };
    let (mut depth, mut heads, mut start) = (0, Vec::new(), 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                heads.push(word(list[start..at].trim_start()));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

#[test]
fn paths_lead_to_modules() {
    let source = "use crate::{\n    admin::{Actor, runs},\n    store,\n};\nlet x = crate::define::run::RunId;";
    let found: Vec<_> = uses(source, 2).into_iter().collect();
    assert_eq!(found, ["admin", "define", "store"]);
    let found: Vec<_> = uses("use super::super::client::hints; use super::runs;", 2)
        .into_iter()
        .collect();
    assert_eq!(found, ["client"]);
}
