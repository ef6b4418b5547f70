//! The launcher of the tests: becomes a confined tool as the service does, or plays other parts.

#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use sandbox::Launcher;
use video::encode::{Desk, run};
use video::exec::{Tools, limits_of_a_look};
use video::plan::{Plan, PlanSettings, Task};
use video::probe::{VideoLimits, probe};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next().unwrap_or_default().to_str().unwrap_or_default() {
        "tool" => sandbox::child::become_tool(args),
        "service" => service(
            args.next().unwrap_or_default(),
            args.next().unwrap_or_default(),
        ),
        part => panic!("no such part: {part}"),
    }
}

/// A service with an encode under way, waiting to be killed.
fn service(film: OsString, scratch: OsString) -> ExitCode {
    let (film, scratch) = (PathBuf::from(film), PathBuf::from(scratch));
    let tools = Tools::new(Launcher::current_program("tool")).unwrap();
    let limits = limits_of_a_look();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ended = runtime.block_on(async {
        let probe = probe(&tools, &film, &scratch, &VideoLimits::default(), &limits)
            .await
            .unwrap();
        let plan = Plan::new(&probe, &PlanSettings::default());
        let desk = Desk {
            tools: &tools,
            file: &film,
            folder: &scratch,
            limits: &limits,
            threads: 1,
        };
        run(desk, &plan, Task::Chunk(0), |_| ()).await
    });
    panic!("nobody killed the service: {ended:?}");
}
