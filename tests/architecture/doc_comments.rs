//! Every public item of a module says what it is. Methods, fields and variants do so where their name does not say it
//! all, which is why `missing_docs` of the compiler is used for the engine alone, whose users are not we.

use std::fs;

use super::{cargo::root, rust_files};

const KINDS: [&str; 9] = [
    "fn", "async fn", "const fn", "struct", "enum", "trait", "const", "static", "type",
];

#[test]
fn public_items_say_what_they_are() {
    let mut found = Vec::new();
    for folder in ["api/src", "gateway/src", "workers/src", "crates"] {
        for file in rust_files(&root().join(folder)) {
            let path = file.strip_prefix(root()).unwrap().display().to_string();
            if path.contains("/tests/") {
                continue;
            }
            let source = fs::read_to_string(&file).unwrap();
            let lines: Vec<&str> = source.lines().collect();
            let silent = (0..lines.len())
                .filter(|&line| is_public_item(lines[line]) && !is_described(&lines[..line]));
            found.extend(silent.map(|line| format!("{path}:{}", line + 1)));
        }
    }
    assert!(
        found.is_empty(),
        "a doc comment of two words or more is missing: {found:#?}"
    );
}

/// Whether an item begins in this line that stands in no other.
fn is_public_item(line: &str) -> bool {
    line.strip_prefix("pub ").is_some_and(|item| {
        KINDS.iter().any(|kind| {
            item.strip_prefix(kind)
                .is_some_and(|name| name.starts_with(' '))
        })
    })
}

/// Whether the lines above an item end with its doc comment, and attributes that may span lines.
fn is_described(above: &[&str]) -> bool {
    let blank = above.iter().rposition(|line| line.trim().is_empty());
    let own = &above[blank.map_or(0, |line| line + 1)..];
    let words = own
        .iter()
        .filter_map(|line| line.strip_prefix("///"))
        .flat_map(str::split_whitespace);
    words.count() > 1
}
