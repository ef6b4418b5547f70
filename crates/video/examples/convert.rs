//! Makes everything of one film in a folder: `convert FILM FOLDER [whole]`. The folder is made; with
//! `whole`, the film is not cut into chunks.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use sandbox::Launcher;
use video::encode::{self, Desk, run, storyboard_index};
use video::exec::{Tools, limits_of_a_look};
use video::gate::{Folder, check};
use video::hls::{Film, beside, write};
use video::plan::{Plan, PlanSettings};
use video::probe::{VideoLimits, probe};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(first), Some(second)) = (args.next(), args.next()) else {
        eprintln!("convert FILM FOLDER");
        return ExitCode::FAILURE;
    };
    // Before anything else: here this process becomes a confined tool.
    if first == "tool" {
        return sandbox::child::become_tool([second]);
    }
    let split = args.next().is_none_or(|word| word != "whole");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = runtime
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(convert(first.into(), second.into(), split)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut cause: Option<&dyn std::error::Error> = Some(&*error);
            while let Some(error) = cause {
                eprintln!("{error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn convert(film: PathBuf, folder: PathBuf, split: bool) -> Result<(), Failure> {
    let film_file = film.canonicalize()?;
    std::fs::create_dir_all(folder.join("scratch"))?;
    let folder = folder.canonicalize()?;
    let scratch = folder.join("scratch");
    let tools = Tools::new(Launcher::current_program("tool"))?;
    let begun = Instant::now();
    let limits = limits_of_a_look();
    let probe = probe(
        &tools,
        &film_file,
        &scratch,
        &VideoLimits::default(),
        &limits,
    )
    .await?;
    let settings = PlanSettings {
        split,
        ..PlanSettings::default()
    };
    let plan = Plan::new(&probe, &settings);
    println!("{}", serde_json::to_string(&plan)?);
    let mut film = Film::default();
    for task in plan.tasks() {
        let limits = encode::limits(&plan, task, 1);
        let desk = Desk {
            tools: &tools,
            file: &film_file,
            folder: &folder,
            limits: &limits,
            threads: 1,
        };
        let made = run(desk, &plan, task, |_| ()).await?;
        println!("{task:?} after {:.1} s", begun.elapsed().as_secs_f64());
        film.add(&plan, task, made);
    }
    for (name, text) in write(&plan, &film, &beside) {
        std::fs::write(folder.join(name), text)?;
    }
    std::fs::write(
        folder.join("storyboard.vtt"),
        storyboard_index(&plan, &beside),
    )?;
    let report = check(&Folder::new(&folder), &plan);
    println!("{}", serde_json::to_string(&report)?);
    println!("passed: {}", report.passed());
    Ok(())
}
