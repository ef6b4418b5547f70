//! The `mediamill` command: every part of the service behind one binary.

mod clock;
mod commands;
mod database;
mod monitor;
mod output;
mod settings;
mod signals;
mod table;
mod telemetry;
mod wiring;

use std::{ffi::OsStr, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser};

use crate::commands::Command;

/// Takes in people's files and hands back safe, ready-to-serve media.
#[derive(Parser)]
#[command(name = "mediamill", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1).peekable();
    // A decoder gives up its rights before anything else happens: no runtime, no threads, no
    // settings. Only we ourselves start it.
    if args.peek().is_some_and(|first| first == "decode") {
        return codecs::child_main(args.skip(1));
    }
    // The same before a foreign tool is started.
    if args.peek().is_some_and(|first| first == wiring::TOOL) {
        return sandbox::child::become_tool(args.skip(1));
    }
    let matches = command().try_get_matches();
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(answer) => return output::parser(&answer),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&error.into()),
    };
    let code = runtime
        .block_on(cli.command.run())
        .unwrap_or_else(|error| output::fail(&error));
    // A name lookup or a file read that hangs must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    code
}

/// The command line. As everywhere, a setting that is empty counts as unset.
fn command() -> clap::Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    Cli::command().mut_subcommands(|command| {
        command.mut_args(|arg| match arg.get_env() {
            // No variable has an empty name: there is no other way to take the setting from an argument.
            Some(name) if is_empty(name) => arg.env("").hide_env(true),
            _ => arg,
        })
    })
}

#[cfg(test)]
mod documented;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
        for good in [
            "mediamill dead-letters redrive --all --step scan --older-than 2h --cap 5 --reason x",
            "mediamill dead-letters redrive --all --dry-run",
            "mediamill dead-letters redrive --all --from-step scan --reason x",
            "mediamill dead-letters redrives",
            "mediamill dead-letters redrives --going-on --json",
            "mediamill dead-letters redrives show 0193a000-0000-7000-8000-000000000000",
            "mediamill dead-letters redrives stop 0193a000-0000-7000-8000-000000000000 --reason x",
            "mediamill dead-letters discard --all --step scan --dry-run",
            "mediamill dead-letters discard 0193a000-0000-7000-8000-000000000000 --reason x",
            "mediamill runs restart 0193a000-0000-7000-8000-000000000000 --from-step scan --reason x",
            "mediamill files retry 0193a000-0000-7000-8000-000000000000 --reason x",
            "mediamill files show 0193a000-0000-7000-8000-000000000000 --json",
            "mediamill audit list --before 7",
            "mediamill dev --listen 9000",
            "mediamill queues pause scan --reason x --json",
            "mediamill runs list --data-dir somewhere",
            "mediamill workers list",
            "mediamill dead-letters redrive 0193a000-0000-7000-8000-000000000000 --reason x",
        ] {
            assert!(Cli::try_parse_from(good.split(' ')).is_ok(), "{good}");
        }
        for bad in [
            "mediamill dead-letters redrive --reason x",
            "mediamill dead-letters redrive --step scan --reason x",
            "mediamill dead-letters redrive --all",
            "mediamill dead-letters redrive 0193a000-0000-7000-8000-000000000000 --all --reason x",
            "mediamill dead-letters redrive 0193a000-0000-7000-8000-000000000000 --step scan --reason x",
            "mediamill dead-letters redrive 0193a000-0000-7000-8000-000000000000 --cap 5 --reason x",
            "mediamill dead-letters redrive 0193a000-0000-7000-8000-000000000000 --dry-run --reason x",
            "mediamill dead-letters redrive --dry-run",
            "mediamill dead-letters discard --reason x",
            "mediamill dead-letters discard --all",
            "mediamill dead-letters discard 0193a000-0000-7000-8000-000000000000 --all --reason x",
            "mediamill dead-letters redrives stop 0193a000-0000-7000-8000-000000000000",
            "mediamill files retry 0193a000-0000-7000-8000-000000000000",
            "mediamill runs restart 0193a000-0000-7000-8000-000000000000",
            "mediamill runs cancel 0193a000-0000-7000-8000-000000000000",
        ] {
            assert!(Cli::try_parse_from(bad.split(' ')).is_err(), "{bad}");
        }
    }
}
