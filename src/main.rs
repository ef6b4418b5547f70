//! The `mediamill` command: every part of the service behind one binary.

mod commands;
mod settings;
mod signals;
mod telemetry;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

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
        return decoders::child::main(args.skip(1));
    }
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return commands::fail(&error.into()),
    };
    let code = runtime
        .block_on(cli.command.run())
        .unwrap_or_else(|error| commands::fail(&error));
    // A name lookup or a file read that hangs must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    code
}
