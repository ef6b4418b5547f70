//! Makes everything of one film in a folder: `convert FILM FOLDER`. The folder is made.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use video::encode::{Desk, Made, run, storyboard_index};
use video::exec::{ToolLimits, Tools};
use video::gate::{Folder, check};
use video::hls::{Film, Subtitles, write};
use video::plan::{Plan, PlanSettings, Task};
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
        return video::exec::child::main([second]);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = runtime
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(convert(first.into(), second.into())));
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

async fn convert(film: PathBuf, folder: PathBuf) -> Result<(), Failure> {
    let film_file = film.canonicalize()?;
    std::fs::create_dir_all(folder.join("scratch"))?;
    let folder = folder.canonicalize()?;
    let scratch = folder.join("scratch");
    let tools = Tools::new("/proc/self/exe".into(), vec!["tool".into()])?;
    let begun = Instant::now();
    let limits = ToolLimits::default();
    let probe = probe(
        &tools,
        &film_file,
        &scratch,
        &VideoLimits::default(),
        &limits,
    )
    .await?;
    let plan = Plan::new(&probe, &PlanSettings::default());
    println!("{}", serde_json::to_string(&plan)?);
    let limits = ToolLimits {
        memory_bytes: 6 << 30,
        cpu_seconds: 1200,
        file_bytes: 4 << 30,
        wall: Duration::from_hours(1),
        ..limits
    };
    let mut film = Film {
        rungs: Vec::new(),
        sounds: Vec::new(),
        subtitles: Vec::new(),
    };
    for task in plan.tasks() {
        let desk = Desk {
            tools: &tools,
            file: &film_file,
            folder: &folder,
            limits: &limits,
            threads: 1,
        };
        let made = run(desk, &plan, task, |_| ()).await?;
        let what = take(&mut film, &plan, task, made);
        println!(
            "{task:?}: {what} after {:.1} s",
            begun.elapsed().as_secs_f64()
        );
    }
    for (name, text) in write(&plan, &film) {
        std::fs::write(folder.join(name), text)?;
    }
    std::fs::write(folder.join("storyboard.vtt"), storyboard_index(&plan))?;
    let report = check(&Folder::new(&folder), &plan);
    println!("{}", serde_json::to_string(&report)?);
    println!("passed: {}", report.passed());
    Ok(())
}

/// Puts what a task made to the rest, and says what it was.
fn take(film: &mut Film, plan: &Plan, task: Task, made: Made) -> String {
    match (task, made) {
        (_, Made::Chunk(rungs)) => {
            let what = format!("{} rungs", rungs.len());
            film.rungs = if film.rungs.is_empty() {
                rungs
            } else {
                let before = std::mem::take(&mut film.rungs).into_iter();
                before
                    .zip(rungs)
                    .map(|(before, after)| before.followed_by(after))
                    .collect()
            };
            what
        }
        (Task::Sound(number), Made::Sound(sound)) => {
            let what = format!("{} segments", sound.segments.len());
            film.sounds.push((plan.sounds[number].clone(), sound));
            what
        }
        (Task::Subtitles(number), Made::Subtitles(sizes)) => {
            let what = format!("{} segments", sizes.len());
            let work = plan.subtitles[number].clone();
            let folder = format!("subtitles-{number}");
            film.subtitles.push(Subtitles {
                work,
                folder,
                sizes,
            });
            what
        }
        (_, made) => format!("{made:?}"),
    }
}
