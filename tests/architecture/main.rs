//! The rules that keep the project in its shape, held over `cargo metadata` and the source files.
//!
//! Each list below is also checked for entries that no longer apply.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
#![expect(clippy::disallowed_methods, reason = "asks cargo")]

mod cargo;
mod doc_comments;
mod licence;
mod modules;
mod pages;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use cargo::{Workspace, everything_built, list, root, text};

/// Which of our crates each may use. What is not here may be used by nobody and uses nothing.
const ARROWS: [(&str, &[&str]); 13] = [
    ("workflows", &[]),
    ("settings", &[]),
    ("media", &["settings"]),
    ("storage", &["media", "settings"]),
    ("scanner", &[]),
    ("sandbox", &[]),
    ("codecs", &["sandbox", "media"]),
    ("devkit", &[]),
    ("video", &["sandbox"]),
    (
        "workers",
        &[
            "workflows",
            "media",
            "storage",
            "scanner",
            "sandbox",
            "codecs",
            "video",
            "settings",
        ],
    ),
    (
        "api",
        &["workflows", "media", "storage", "video", "settings"],
    ),
    ("gateway", &["api", "media", "storage", "settings"]),
    (
        "mediamill",
        &[
            "workflows",
            "media",
            "storage",
            "scanner",
            "sandbox",
            "codecs",
            "video",
            "settings",
            "devkit",
            "workers",
            "api",
            "gateway",
        ],
    ),
];

/// What tests may use besides: the private services everywhere, the client of the object store to try
/// the private one with, and workflows that a completed upload starts.
const TEST_ARROWS: [(&str, &[&str]); 2] = [("devkit", &["storage"]), ("gateway", &["workflows"])];

/// Licences that let anybody use, change and ship the code, closed or open.
const LICENCES: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "IJG",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that are in the build in more than one version, and why we live with it.
const DUPLICATES: &[(&str, &str)] = &[
    ("atoi", "sqlx-postgres is behind s3s"),
    ("base64", "poem-openapi and sqlx are behind reqwest"),
    ("block-buffer", SHA2),
    ("cpufeatures", SHA2),
    ("crypto-common", SHA2),
    ("digest", SHA2),
    (
        "fearless_simd",
        "vello, which draws for hayro, is behind hayro",
    ),
    ("getrandom", RAND),
    ("hashbrown", "sqlx's hashlink is behind indexmap"),
    ("miniz_oxide", "png is behind flate2"),
    ("moxcms", "hayro is behind us"),
    ("quick-xml", "poem is behind s3s"),
    ("rand", RAND),
    ("rand_core", RAND),
    ("sha1", "poem's headers are behind the SDK's checksums"),
    ("sha2", SHA2),
    ("spin", "poem's multer is behind the SDK's crc-fast"),
    (
        "syn",
        "sqlx-macros and tracing-attributes have not moved to syn 3; build time only",
    ),
    ("zerocopy", "re_rav1d is behind rand"),
];
const SHA2: &str = "sqlx 0.9 itself is between sha2 0.10 and 0.11";
const RAND: &str = "ours is rand 0.9, sqlx-postgres's 0.10";

/// Files of more than [`MAX_LINES`] lines, and why they are not split.
const LONG_FILES: &[(&str, &str)] = &[];

/// Lines of Rust in a file, its tests not counted.
const MAX_LINES: usize = 300;

#[test]
fn our_crates_use_each_other_in_one_direction() {
    let workspace = Workspace::read();
    let ours: BTreeSet<&str> = workspace
        .members()
        .iter()
        .map(|member| text(member, "name"))
        .collect();
    let known: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    assert_eq!(ours, known, "ARROWS must name the workspace's crates");
    let mut wrong = Vec::new();
    for member in workspace.members() {
        let name = text(member, "name");
        for dependency in list(member, "dependencies") {
            let used = text(dependency, "name");
            let for_tests = dependency["kind"] == "dev";
            // Itself: its own tests ask for a feature that is for tests.
            let any_test_may = used == "devkit" || used == name;
            let allowed = look_up(&ARROWS, name).contains(&used)
                || for_tests && (any_test_may || look_up(&TEST_ARROWS, name).contains(&used));
            if ours.contains(used) && !allowed {
                wrong.push(format!("{name} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "against the arrows: {wrong:#?}");
}

#[test]
fn every_crate_has_a_licence_we_can_ship() {
    let wrong: Vec<_> = everything_built()
        .into_iter()
        .filter(|built| !licence::allows(&LICENCES, &built.licence))
        .map(|built| format!("{} {}: {:?}", built.name, built.version, built.licence))
        .collect();
    assert!(wrong.is_empty(), "licences not on the list: {wrong:#?}");
}

#[test]
fn no_crate_is_built_twice_without_a_reason() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for built in everything_built() {
        versions
            .entry(built.name)
            .or_default()
            .insert(built.version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    let stale: Vec<_> = DUPLICATES
        .iter()
        .filter(|(name, _)| !versions.contains_key(*name))
        .collect();
    assert!(stale.is_empty(), "no longer duplicates: {stale:?}");
    versions.retain(|name, _| !DUPLICATES.iter().any(|(excused, _)| excused == name));
    assert!(
        versions.is_empty(),
        "in more than one version, with no reason given: {versions:#?}"
    );
}

#[test]
fn every_direct_dependency_is_explained() {
    let workspace = Workspace::read();
    let page = fs::read_to_string(root().join("docs/dependencies.md")).unwrap_or_default();
    let missing: BTreeSet<&str> = workspace
        .direct_dependencies()
        .map(|(_, dependency)| text(dependency, "name"))
        .filter(|name| {
            !page
                .lines()
                .any(|line| line.starts_with(&format!("| `{name}` |")))
        })
        .collect();
    assert!(
        missing.is_empty(),
        "no row in docs/dependencies.md: {missing:#?}"
    );
}

#[test]
fn every_direct_dependency_is_used() {
    let workspace = Workspace::read();
    let mut unused = Vec::new();
    for (member, dependency) in workspace.direct_dependencies() {
        let folder = Path::new(text(member, "manifest_path")).parent().unwrap();
        let name = dependency["rename"]
            .as_str()
            .unwrap_or(text(dependency, "name"));
        let word = name.replace('-', "_");
        let rooms: &[&str] = match dependency["kind"].as_str() {
            Some("dev") => &["src", "tests", "examples", "benches"],
            Some("build") => &["build.rs"],
            _ => &["src"],
        };
        let mut files = rooms.iter().flat_map(|room| rust_files(&folder.join(room)));
        if !files.any(|file| mentions(&fs::read_to_string(file).unwrap(), &word)) {
            unused.push(format!("{} does not use {name}", text(member, "name")));
        }
    }
    assert!(unused.is_empty(), "{unused:#?}");
}

#[test]
fn no_file_is_too_long_to_read() {
    let mut long = BTreeMap::new();
    for member in Workspace::read().members() {
        let folder = Path::new(text(member, "manifest_path")).parent().unwrap();
        for file in rust_files(&folder.join("src")) {
            let source = fs::read_to_string(&file).unwrap();
            let lines = source
                .lines()
                .take_while(|line| *line != "#[cfg(test)]")
                .count();
            if lines > MAX_LINES {
                long.insert(
                    file.strip_prefix(root()).unwrap().display().to_string(),
                    lines,
                );
            }
        }
    }
    let stale: Vec<_> = LONG_FILES
        .iter()
        .filter(|(file, _)| !long.contains_key(*file))
        .collect();
    assert!(stale.is_empty(), "no longer too long: {stale:?}");
    long.retain(|file, _| !LONG_FILES.iter().any(|(excused, _)| excused == file));
    assert!(long.is_empty(), "longer than {MAX_LINES} lines: {long:#?}");
}

#[test]
fn nothing_is_written_by_what_panics_when_nobody_reads() {
    let mut wrong = Vec::new();
    for member in Workspace::read().members() {
        let folder = Path::new(text(member, "manifest_path")).parent().unwrap();
        for file in rust_files(&folder.join("src")) {
            let source = fs::read_to_string(&file).unwrap();
            let code = source
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            let macros = ["println!(", "print!("]; // and eprint…
            if code
                .clone()
                .any(|line| macros.iter().any(|name| line.contains(name)))
            {
                wrong.push(file.strip_prefix(root()).unwrap().display().to_string());
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "use `out!` and `note!` of src/output.rs: {wrong:#?}"
    );
}

fn look_up<'a>(table: &[(&str, &'a [&'a str])], key: &str) -> &'a [&'a str] {
    table
        .iter()
        .find(|(name, _)| *name == key)
        .map_or(&[], |(_, entry)| entry)
}

/// The `.rs` files under `path`, or `path` itself.
fn rust_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.into()];
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let files = entries.flat_map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path)
        } else {
            vec![path]
        }
    });
    files
        .filter(|file| file.extension().is_some_and(|kind| kind == "rs"))
        .collect()
}

/// Whether `word` stands in `source` as a word.
fn mentions(source: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    source.match_indices(word).any(|(at, _)| {
        !source[..at].ends_with(part_of_word)
            && !source[at + word.len()..].starts_with(part_of_word)
    })
}
