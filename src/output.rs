//! The one place that writes to standard output and standard error.
//!
//! `println!` panics when its reader has gone (`| head`) or the disk is full (`> file`). Here the first ends a
//! command without a word, and the second in a sentence.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
    process::ExitCode,
};

/// What shells report of a program that SIGPIPE ended: 128 and the signal's number.
const SIGPIPE: u8 = 128 + 13;

/// Standard output takes nothing more.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
pub struct OutputError(#[from] io::Error);

/// `println!` with an error instead of a panic: [`line()`].
macro_rules! out {
    ($($text:tt)*) => { $crate::output::line(format_args!($($text)*)) };
}

/// `eprintln!` without a panic: [`note_line()`].
macro_rules! note {
    ($($text:tt)*) => { $crate::output::note_line(format_args!($($text)*)) };
}

pub(crate) use {note, out};

/// A line of a command's result. An error ends the command: nobody would see the rest.
pub fn line(text: impl Display) -> Result<(), OutputError> {
    let mut out = io::stdout().lock();
    Ok(writeln!(out, "{text}")?)
}

/// A line of a service, which works on whether anybody reads it or not.
pub fn announce(text: impl Display) {
    let _ = line(text);
}

/// A line for people on standard error. There is no other place to say that it could not be written.
pub fn note_line(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// One line without anything that could steer a terminal: characters of control, and those that turn the direction of
/// what follows, are shown as escapes.
pub fn harmless(text: &str) -> String {
    let steers =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut harmless = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            harmless.extend(c.escape_default());
        } else {
            harmless.push(c);
        }
    }
    harmless
}

/// [`harmless`] for a text that may have several lines.
pub fn lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(harmless).collect();
    lines.join("\n")
}

/// Says why a command failed, in one sentence with its causes, and returns the exit code.
pub fn fail(error: &anyhow::Error) -> ExitCode {
    let unread = |OutputError(error): &OutputError| error.kind() == ErrorKind::BrokenPipe;
    if error.downcast_ref().is_some_and(unread) {
        return ExitCode::from(SIGPIPE);
    }
    note_line(format_args!("mediamill: {}", lines(&sentence(error))));
    ExitCode::FAILURE
}

/// What the command line's parser says: help and version are results, all else is a mistake.
pub fn parser(answer: &clap::Error) -> ExitCode {
    let told = answer.print().and_then(|()| io::stdout().flush());
    match told {
        Err(error) if !answer.use_stderr() => fail(&OutputError(error).into()),
        _ => ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2)),
    }
}

/// The error and its causes. One that repeats what is said already, as many of sqlx do, is left out.
pub fn sentence(error: &anyhow::Error) -> String {
    sentence_of(error.as_ref())
}

/// The same of an error that is somebody else's.
pub fn sentence_of(error: &(dyn std::error::Error + 'static)) -> String {
    let mut sentence = String::new();
    for cause in anyhow::Chain::new(error) {
        let cause = cause.to_string();
        let cause = without_line(&cause);
        if sentence.is_empty() {
            cause.clone_into(&mut sentence);
        } else if !sentence.ends_with(cause) {
            sentence = format!("{sentence}: {cause}");
        }
    }
    sentence
}

/// sqlx adds the line of Postgres' own source: of no use to anybody here.
fn without_line(text: &str) -> &str {
    match text.rsplit_once(" at line ") {
        Some((text, line)) if line.bytes().all(|b| b.is_ascii_digit()) => text,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown_and_not_sent() {
        let told = harmless("ä\u{1b}[2J\n\u{9b}\u{202e}gpj.exe");
        assert_eq!(told, r"ä\u{1b}[2J\n\u{9b}\u{202e}gpj.exe");
    }

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow!("relation \"runs\" does not exist")
            .context("error returned from database: relation \"runs\" does not exist")
            .context("cannot ask");
        let told = "cannot ask: error returned from database: relation \"runs\" does not exist";
        assert_eq!(sentence(&error), told);
        let error = anyhow!("no such role at line 12")
            .context("error returned from database: no such role at line 12");
        let told = "error returned from database: no such role";
        assert_eq!(sentence(&error), told);
    }
}
