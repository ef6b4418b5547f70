//! The commands that the project's pages show are commands that the program and the justfile have.

use std::{collections::BTreeSet, fs, path::Path};

use clap::{Parser, error::ErrorKind};

use crate::Cli;

const ID: &str = "0193a000-0000-7000-8000-000000000000";

#[test]
fn every_documented_command_is_understood() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for Shown {
        page,
        command,
        in_code,
    } in commands("mediamill")
    {
        seen += 1;
        let words = words(&command.replace("FINGERPRINT", "1f2e3d4c"));
        let words = words.iter().map(|word| match word.as_str() {
            "ID" | "FILE_ID" | "RUN_ID" => ID,
            word => word,
        });
        if let Err(error) = Cli::try_parse_from(words)
            && !shows_help(error.kind())
            && (in_code || !names_only(error.kind()))
        {
            wrong.push(format!("{page}: `{command}`: {error}"));
        }
    }
    assert!(seen >= 20, "the pages show {seen} commands");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn shows_help(error: ErrorKind) -> bool {
    matches!(error, ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)
}

/// Running text may name a command without its arguments.
fn names_only(error: ErrorKind) -> bool {
    matches!(
        error,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingRequiredArgument
    )
}

#[test]
fn every_documented_recipe_exists() {
    let justfile = fs::read_to_string(root().join("justfile")).unwrap();
    let recipes: BTreeSet<&str> = justfile
        .lines()
        .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()))
        .filter_map(|line| line.split([':', ' ']).next())
        .collect();
    let wrong: Vec<_> = commands("./just")
        .into_iter()
        .map(|shown| shown.command)
        .filter(|command| {
            let recipe = command.split(' ').nth(1).unwrap_or_default();
            !recipe.starts_with("--")
                && recipe.chars().all(|letter| !letter.is_uppercase())
                && !recipes.contains(recipe)
        })
        .collect();
    assert!(wrong.is_empty(), "no such recipes: {wrong:#?}");
}

/// A command as a page shows it.
struct Shown {
    page: String,
    command: String,
    /// In a code block, to be copied as it stands.
    in_code: bool,
}

/// Every command of `program` in the pages, without comments: whole lines of code blocks, and what
/// stands between backticks in the text.
fn commands(program: &str) -> Vec<Shown> {
    let mut found = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(root().join(&page)).unwrap();
        let mut in_code = false;
        for line in text.lines() {
            if line.starts_with("```") {
                in_code = !in_code;
                continue;
            }
            let pieces: Vec<&str> = if in_code {
                vec![line]
            } else {
                line.split('`').skip(1).step_by(2).collect()
            };
            for piece in pieces {
                let piece = piece.split(" # ").next().unwrap_or_default().trim();
                let piece = piece.strip_prefix("target/debug/").unwrap_or(piece);
                // `mediamill ready: …` is what the program says.
                let said = piece
                    .split(' ')
                    .nth(1)
                    .is_some_and(|word| word.ends_with(':'));
                if piece.starts_with(&format!("{program} ")) && !said {
                    found.push(Shown {
                        page: page.clone(),
                        command: piece.to_owned(),
                        in_code,
                    });
                }
            }
        }
    }
    found
}

fn pages() -> Vec<String> {
    let mut pages: Vec<String> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
        .map(str::to_owned)
        .into();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if Path::new(&name)
            .extension()
            .is_some_and(|found| found == "md")
        {
            pages.push(format!("docs/{name}"));
        }
    }
    pages
}

/// As a shell would split it, as far as the pages go: spaces and double quotes.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, piece) in command.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(piece.to_owned());
        } else {
            words.extend(piece.split_whitespace().map(str::to_owned));
        }
    }
    words
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
