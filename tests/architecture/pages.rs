//! Files and folders that the pages name are there.

use std::{fs, path::Path};

use crate::cargo::root;

/// Pages with paths in them, and where besides the root their paths may begin.
const PAGES: [(&str, &[&str]); 10] = [
    ("README.md", &[]),
    ("ARCHITECTURE.md", &["crates/video/src"]),
    ("CONTRIBUTING.md", &[]),
    ("SECURITY.md", &[]),
    ("docs/engine.md", &["workflows/src", "workflows/tests"]),
    ("docs/glossary.md", &[]),
    ("docs/states.md", &[]),
    ("docs/walkthroughs.md", &["workflows/src"]),
    ("migrations/README.md", &["migrations"]),
    ("workflows/README.md", &["workflows", "workflows/tests"]),
];

#[test]
fn pages_name_files_that_exist() {
    let mut wrong = Vec::new();
    for (page, beginnings) in PAGES {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let mut in_code = false;
        for line in text.lines() {
            if line.starts_with("```") {
                in_code = !in_code;
            }
            if in_code {
                continue;
            }
            for piece in line.split('`').skip(1).step_by(2) {
                let missing = spelt_out(piece)
                    .into_iter()
                    .filter(|path| is_path(path, beginnings))
                    .filter(|path| !exists(path, beginnings));
                wrong.extend(missing.map(|path| format!("{page}: {path}")));
            }
        }
    }
    assert!(wrong.is_empty(), "not there: {wrong:#?}");
}

/// `a/{b,c}.rs` stands for `a/b.rs` and `a/c.rs`.
fn spelt_out(piece: &str) -> Vec<String> {
    let Some((before, rest)) = piece.split_once('{') else {
        return vec![piece.to_owned()];
    };
    let Some((names, after)) = rest.split_once('}') else {
        return vec![piece.to_owned()];
    };
    let names = names.split(',');
    names.map(|name| format!("{before}{name}{after}")).collect()
}

/// Whether it is meant as a path of this project: its first folder is there, and nothing in it
/// stands for something else.
fn is_path(piece: &str, beginnings: &[&str]) -> bool {
    let stands_for_itself = !piece.contains(['<', '*', '…', ' ', '(', ':', '$', '=']);
    let first = piece.split('/').next().unwrap_or_default();
    piece.contains('/') && !first.is_empty() && stands_for_itself && exists(first, beginnings)
}

fn exists(path: &str, beginnings: &[&str]) -> bool {
    let below = |beginning: &str| {
        let place = root().join(beginning).join(path);
        place.exists() || Path::new(&format!("{}.rs", place.display())).exists()
    };
    below("") || beginnings.iter().any(|beginning| below(beginning))
}
